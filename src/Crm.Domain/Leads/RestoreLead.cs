namespace Crm.Domain.Leads;

/// <summary>Puts the lead back to how it stood earlier, by a new event; what happened since stays in its history.</summary>
/// <param name="Earlier">The lead folded to the version it goes back to.</param>
/// <param name="ToVersion">That version.</param>
/// <param name="Reason">Why; null when nobody said.</param>
public sealed record RestoreLead(Lead Earlier, long ToVersion, string? Reason) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            Earlier.Status == LeadStatus.Missing ? LeadRefusals.NotFoundAt
            : RestoredTo(Earlier) == RestoredTo(lead) ? default(NoChange)
            : RestoredTo(Earlier),
    };

    private LeadRestored RestoredTo(Lead state) => new(
        ToVersion,
        state.Details,
        state.Status,
        state.OwnerId,
        state.AssignmentOpen,
        state.IsArchived,
        state.Score,
        state.ScoreRules,
        state.ScoreSetByHand,
        Reason);
}

namespace Crm.Domain.Leads;

/// <summary>
/// Reverses somebody's changes to the lead by a new event, and leaves what others have changed since; see <see cref="LeadReversal"/>. The
/// history stays as it is.
/// </summary>
/// <param name="Reversal">What it comes to, from the lead's whole history.</param>
/// <param name="Reason">Why; null when nobody said.</param>
public sealed record ReverseLeadChanges(LeadReversal Reversal, string? Reason) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            Reversal.Fields.Any(static field => field.Outcome == FieldOutcome.Reversed)
                ? Reversed(Reversal.Target)
                : default(NoChange),
    };

    private LeadChangesReversed Reversed(Lead target) => new(
        Reversal.Versions,
        target.Details,
        target.Status,
        target.OwnerId,
        target.AssignmentOpen,
        target.IsArchived,
        target.Score,
        target.ScoreRules,
        target.ScoreSetByHand,
        Reason);
}

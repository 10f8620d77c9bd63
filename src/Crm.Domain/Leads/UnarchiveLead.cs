namespace Crm.Domain.Leads;

/// <summary>Brings the lead back from the archive.</summary>
/// <param name="Reason">Why; null when nobody said.</param>
public sealed record UnarchiveLead(string? Reason) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { IsArchived: true } => new LeadUnarchived(Reason),
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            default(NoChange),
    };
}

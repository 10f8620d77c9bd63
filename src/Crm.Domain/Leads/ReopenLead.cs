namespace Crm.Domain.Leads;

/// <summary>Takes up work on a disqualified lead again.</summary>
/// <param name="Reason">Why; null when nobody said.</param>
public sealed record ReopenLead(string? Reason) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Disqualified, IsArchived: false } => new LeadReopened(Reason),
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified } => default(NoChange),
        { Status: LeadStatus.Converted } => LeadRefusals.AlreadyConverted,
    };
}

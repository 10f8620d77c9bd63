namespace Crm.Domain.Leads;

/// <summary>Finds that a lead will not buy.</summary>
/// <param name="Reason">Why; null when nobody said.</param>
public sealed record DisqualifyLead(string? Reason) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified, IsArchived: false } => new LeadDisqualified(Reason),
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { Status: LeadStatus.Converted } => LeadRefusals.AlreadyConverted,
        { Status: LeadStatus.Disqualified } => LeadRefusals.AlreadyDisqualified,
    };
}

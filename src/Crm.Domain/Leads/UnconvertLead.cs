namespace Crm.Domain.Leads;

/// <summary>Takes back a conversion that was a mistake; the lead is qualified again.</summary>
/// <param name="Reason">Why; null when nobody said.</param>
public sealed record UnconvertLead(string? Reason) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Converted, IsArchived: false } => new LeadUnconverted(Reason),
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Disqualified } => LeadRefusals.NotConverted,
    };
}

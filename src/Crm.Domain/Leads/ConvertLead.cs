namespace Crm.Domain.Leads;

/// <summary>Makes a qualified lead a customer.</summary>
/// <param name="Opportunity">The opportunity that it opens; null when none is named.</param>
/// <param name="Customer">The customer that it becomes; null when none is named.</param>
public sealed record ConvertLead(ConvertedOpportunity? Opportunity, ConvertedCustomer? Customer) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Qualified, IsArchived: false } =>
            LeadRefusals.Of(Opportunity?.Value, "/opportunity/value") is { } invalid ? invalid : new LeadConverted(Opportunity, Customer),
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { Status: LeadStatus.Converted } => LeadRefusals.AlreadyConverted,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Disqualified } => LeadRefusals.NotQualified,
    };
}

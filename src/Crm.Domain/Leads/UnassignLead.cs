namespace Crm.Domain.Leads;

/// <summary>Takes the lead from its agent; it then belongs to nobody.</summary>
public sealed record UnassignLead : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { OwnerId: null } => default(NoChange),
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            new LeadUnassigned(),
    };
}

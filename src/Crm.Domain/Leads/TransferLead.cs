namespace Crm.Domain.Leads;

/// <summary>Hands the lead from its agent to another.</summary>
/// <param name="Agent">The agent it goes to.</param>
/// <param name="Reason">Why; null when nobody said.</param>
public sealed record TransferLead(Agent Agent, string? Reason) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { OwnerId: null } => LeadRefusals.NoOwner,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            lead.OwnerId == Agent.Id ? default(NoChange) : Agent.Takes(new LeadTransferred(Agent.Id, Reason)),
    };
}

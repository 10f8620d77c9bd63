namespace Crm.Domain.Leads;

/// <summary>Gives the lead to an agent, whoever had it before.</summary>
/// <param name="Agent">The agent it is given to.</param>
public sealed record AssignLead(Agent Agent) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { AssignmentOpen: true } when lead.OwnerId == Agent.Id => default(NoChange),
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            Agent.Takes(new LeadAssigned(Agent.Id)),
    };
}

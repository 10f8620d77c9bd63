namespace Crm.Domain.Leads;

/// <summary>An agent takes a lead that nobody is working on.</summary>
/// <param name="Agent">The agent who takes it.</param>
public sealed record ClaimLead(Agent Agent) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { AssignmentOpen: true } when lead.OwnerId == Agent.Id => default(NoChange),
        { AssignmentOpen: true } => LeadRefusals.AlreadyAssigned,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            Agent.Takes(new LeadClaimed(Agent.Id)),
    };
}

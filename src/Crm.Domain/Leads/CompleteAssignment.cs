namespace Crm.Domain.Leads;

/// <summary>The agent has done what the assignment asked for; the lead stays theirs, and another may claim it.</summary>
/// <param name="ActorId">Who says so.</param>
/// <param name="MayActForOthers">Whether they may say so for any agent (managers and admins).</param>
/// <param name="Outcome">What came of it; null when nobody said.</param>
public sealed record CompleteAssignment(Guid ActorId, bool MayActForOthers, string? Outcome) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { OwnerId: null } => LeadRefusals.NotOwner,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            lead.OwnerId != ActorId && !MayActForOthers ? LeadRefusals.NotOwner
            : lead.AssignmentOpen ? new LeadAssignmentCompleted(Outcome)
            : default(NoChange),
    };
}

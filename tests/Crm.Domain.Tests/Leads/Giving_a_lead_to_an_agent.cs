using Crm.Domain.Leads;
using static Crm.Domain.Tests.Leads.LeadFacts;

namespace Crm.Domain.Tests.Leads;

public class Assigning_a_lead
{
    [Fact]
    public void gives_it_to_the_agent() => Given(Captured).When(new AssignLead(AgentAnna)).Then(new LeadAssigned(Anna));

    [Fact]
    public void to_its_agent_again_changes_nothing() => Given(Captured, Assigned).When(new AssignLead(AgentAnna)).ThenNothing();

    [Fact]
    public void takes_it_from_another_agent() => Given(Captured, Assigned).When(new AssignLead(AgentBoris)).Then(new LeadAssigned(Boris));

    [Fact]
    public void to_the_agent_who_completed_it_opens_it_again() =>
        Given(Captured, Assigned, AssignmentCompleted).When(new AssignLead(AgentAnna)).Then(new LeadAssigned(Anna));

    [Fact]
    public void to_an_inactive_agent_is_refused() =>
        Given(Captured).When(new AssignLead(InactiveBoris)).ThenRefused(LeadRefusals.AgentInactive);

    [Fact]
    public void to_an_agent_who_is_not_there_is_refused() =>
        Given(Captured).When(new AssignLead(Nobody)).ThenRefused(LeadRefusals.UnknownAgent);

    [Fact]
    public void after_the_deal_is_allowed() =>
        Given(Captured, Contacted, Qualified, Converted).When(new AssignLead(AgentAnna)).Then(new LeadAssigned(Anna));
}

public class Claiming_a_lead
{
    [Fact]
    public void of_nobody_gives_it_to_the_agent() => Given(Captured).When(new ClaimLead(AgentAnna)).Then(new LeadClaimed(Anna));

    [Fact]
    public void twice_changes_nothing() => Given(Captured, new LeadClaimed(Anna)).When(new ClaimLead(AgentAnna)).ThenNothing();

    [Fact]
    public void that_another_agent_works_on_is_refused() =>
        Given(Captured, Assigned).When(new ClaimLead(AgentBoris)).ThenRefused(LeadRefusals.AlreadyAssigned);

    [Fact]
    public void whose_assignment_is_completed_gives_it_to_the_agent() =>
        Given(Captured, Assigned, AssignmentCompleted).When(new ClaimLead(AgentBoris)).Then(new LeadClaimed(Boris));

    [Fact]
    public void by_an_inactive_agent_is_refused() =>
        Given(Captured).When(new ClaimLead(InactiveBoris)).ThenRefused(LeadRefusals.AgentInactive);

    [Fact]
    public void by_an_agent_who_is_not_there_is_refused() =>
        Given(Captured).When(new ClaimLead(Nobody)).ThenRefused(LeadRefusals.UnknownAgent);
}

public class Unassigning_a_lead
{
    [Fact]
    public void takes_it_from_its_agent() => Given(Captured, Assigned).When(new UnassignLead()).Then(new LeadUnassigned());

    [Fact]
    public void of_nobody_changes_nothing() => Given(Captured).When(new UnassignLead()).ThenNothing();

    [Fact]
    public void twice_changes_nothing() => Given(Captured, Assigned, new LeadUnassigned()).When(new UnassignLead()).ThenNothing();
}

public class Transferring_a_lead
{
    [Fact]
    public void hands_it_to_another_agent() =>
        Given(Captured, Assigned).When(new TransferLead(AgentBoris, "holidays")).Then(new LeadTransferred(Boris, "holidays"));

    [Fact]
    public void of_nobody_is_refused() =>
        Given(Captured).When(new TransferLead(AgentBoris, null)).ThenRefused(LeadRefusals.NoOwner);

    [Fact]
    public void twice_changes_nothing() =>
        Given(Captured, Assigned, new LeadTransferred(Boris, null)).When(new TransferLead(AgentBoris, null)).ThenNothing();

    [Fact]
    public void to_an_inactive_agent_is_refused() =>
        Given(Captured, Assigned).When(new TransferLead(InactiveBoris, null)).ThenRefused(LeadRefusals.AgentInactive);

    [Fact]
    public void to_an_agent_who_is_not_there_is_refused() =>
        Given(Captured, Assigned).When(new TransferLead(Nobody, null)).ThenRefused(LeadRefusals.UnknownAgent);
}

public class Completing_an_assignment
{
    [Fact]
    public void is_recorded_with_its_outcome() =>
        Given(Captured, Assigned).When(new CompleteAssignment(Anna, MayActForOthers: false, "sold"))
            .Then(new LeadAssignmentCompleted("sold"));

    [Fact]
    public void of_another_agent_is_refused() =>
        Given(Captured, Assigned).When(new CompleteAssignment(Boris, MayActForOthers: false, null)).ThenRefused(LeadRefusals.NotOwner);

    [Fact]
    public void of_another_agent_is_for_managers() =>
        Given(Captured, Assigned).When(new CompleteAssignment(Boris, MayActForOthers: true, null))
            .Then(new LeadAssignmentCompleted(null));

    [Fact]
    public void of_a_lead_that_belongs_to_nobody_is_refused() =>
        Given(Captured).When(new CompleteAssignment(Anna, MayActForOthers: true, null)).ThenRefused(LeadRefusals.NotOwner);

    [Fact]
    public void twice_changes_nothing() =>
        Given(Captured, Assigned, AssignmentCompleted).When(new CompleteAssignment(Anna, MayActForOthers: false, null)).ThenNothing();

    [Fact]
    public void twice_is_still_refused_to_others() =>
        Given(Captured, Assigned, AssignmentCompleted).When(new CompleteAssignment(Boris, MayActForOthers: false, null))
            .ThenRefused(LeadRefusals.NotOwner);
}

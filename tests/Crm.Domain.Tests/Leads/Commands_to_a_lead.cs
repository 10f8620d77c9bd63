using Crm.Domain.Leads;
using static Crm.Domain.Tests.Leads.LeadFacts;

namespace Crm.Domain.Tests.Leads;

public class Commands_to_a_lead
{
    [Theory]
    [MemberData(nameof(CommandsToAnExistingLead), MemberType = typeof(LeadFacts))]
    public void are_refused_where_there_is_no_such_lead(string name, ICommand<Lead, LeadEvent> command)
    {
        Assert.NotEmpty(name);
        Given().When(command).ThenRefused(LeadRefusals.NotFound);
    }

    [Theory]
    [MemberData(nameof(CommandsToAnExistingLead), MemberType = typeof(LeadFacts))]
    public void are_refused_on_an_archived_lead_whatever_its_status(string name, ICommand<Lead, LeadEvent> command)
    {
        Assert.NotEmpty(name);
        Given(Captured, Archived).When(command).ThenRefused(LeadRefusals.Archived);
        Given(Captured, Assigned, CalledOut, Contacted, Archived).When(command).ThenRefused(LeadRefusals.Archived);
        Given(Captured, Contacted, Qualified, Archived).When(command).ThenRefused(LeadRefusals.Archived);
        Given(Captured, Contacted, Qualified, Converted, Archived).When(command).ThenRefused(LeadRefusals.Archived);
        Given(Captured, Disqualified, Archived).When(command).ThenRefused(LeadRefusals.Archived);
    }

    [Theory]
    [MemberData(nameof(CommandsToAnExistingLead), MemberType = typeof(LeadFacts))]
    public void are_refused_on_an_erased_lead_whatever_its_status(string name, ICommand<Lead, LeadEvent> command)
    {
        Assert.NotEmpty(name);
        Given(Captured, Erased).When(command).ThenRefused(LeadRefusals.Erased);
        Given(Captured, Assigned, CalledOut, Contacted, Erased).When(command).ThenRefused(LeadRefusals.Erased);
        Given(Captured, Contacted, Qualified, Erased).When(command).ThenRefused(LeadRefusals.Erased);
        Given(Captured, Contacted, Qualified, Converted, Erased).When(command).ThenRefused(LeadRefusals.Erased);
        Given(Captured, Disqualified, Erased).When(command).ThenRefused(LeadRefusals.Erased);
        Given(Captured, Archived, Erased).When(command).ThenRefused(LeadRefusals.Erased);
    }
}

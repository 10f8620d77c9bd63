using Crm.Domain.Leads;
using Crm.Domain.Users;

namespace Crm.Projections.Tests;

public sealed class The_sources
{
    [Fact]
    public void count_a_lead_once_at_each_step() =>
        Assert.Equal(
            ["captured referral +1 100 EUR", "contacted referral +1", "qualified referral +1", "converted referral +1 100 EUR",
                "converted referral -1 -100 EUR"],
            Facts(Converted().Then(1, new LeadUnconverted(null), 4)));

    [Fact]
    public void move_all_that_a_lead_counts_for_with_its_source() =>
        Assert.Equal(
            ["captured referral -1 -100 EUR", "captured web +1 100 EUR", "contacted referral -1", "contacted web +1"],
            Facts(new Story().Then(1, Story.Captured(), 0).Then(1, new LeadContacted(), 1).Then(1, new LeadSourceChanged("web"), 2))
                .Skip(2).Order(StringComparer.Ordinal));

    [Fact]
    public void take_a_disqualification_back_when_the_lead_is_reopened() =>
        Assert.Equal(
            ["disqualified +1", "disqualified -1"],
            Facts(new Story().Then(1, Story.Captured(source: null, value: null), 0).Then(1, new LeadDisqualified(null), 1)
                .Then(1, new LeadReopened(null), 2)).Skip(1));

    private static IReadOnlyList<string> Facts(Story story) => Folding.FactsOf(new Sources(), story);

    private static Story Converted() => new Story().Then(1, Story.Captured(), 0).Then(1, new LeadContacted(), 1)
        .Then(1, new LeadQualified(null), 2).Then(1, new LeadConverted(null, null), 3);
}

public sealed class The_agents
{
    private static readonly Guid Ann = Story.Id(801);
    private static readonly Guid Bob = Story.Id(802);

    [Fact]
    public void own_what_is_assigned_until_it_goes_on() =>
        Assert.Equal(
            [$"owned {Ann} +1", $"assigned {Ann} +1", $"owned {Ann} -1", $"owned {Bob} +1", $"transferred-in {Bob} +1",
                $"transferred-out {Ann} +1"],
            Facts(new Story().Then(1, Story.Captured(), 0).Then(1, new LeadAssigned(Ann), 1).Then(1, new LeadTransferred(Bob, null), 2)));

    [Fact]
    public void do_not_own_what_is_archived() =>
        Assert.Equal(
            $"owned {Ann} -1",
            Facts(new Story().Then(1, Story.Captured(), 0).Then(1, new LeadAssigned(Ann), 1).Then(1, new LeadArchived(null), 2))[^1]);

    [Fact]
    public void keep_the_credit_of_a_conversion_when_the_lead_goes_on()
    {
        var story = new Story().Then(1, Story.Captured(), 0).Then(1, new LeadAssigned(Ann), 1).Then(1, new LeadConverted(null, null), 2)
            .Then(1, new LeadTransferred(Bob, null), 3).Then(1, new LeadUnconverted(null), 4);
        Assert.Equal(
            [$"converted {Ann} +1 100 EUR", $"converted {Ann} -1 -100 EUR"],
            Facts(story).Where(fact => fact.StartsWith("converted", StringComparison.Ordinal)));
    }

    [Fact]
    public void get_an_activity_that_they_logged_whoever_owns_the_lead()
    {
        var story = new Story().Then(1, Story.Captured(), 0).Then(1, Story.Call(1), 1, Bob.ToString("D"))
            .Then(1, Story.Call(2), 2, "system");
        Assert.Equal([$"activity {Bob} call +1", "activity call +1"], Facts(story));
    }

    [Fact]
    public void are_remembered_by_name()
    {
        var story = new Story().Then(801, new UserRegistered("Ann", null, Role.Agent, false), 0).Then(801, new UserRenamed("Anne"), 1);
        Assert.Equal("Anne", Folding.Of(new Agents(), story.Events).States[Ann].Name);
    }

    private static IReadOnlyList<string> Facts(Story story) => Folding.FactsOf(new Agents(), story);
}

public sealed class The_response_times
{
    [Fact]
    public void take_the_first_outward_activity_and_the_first_of_each_kind()
    {
        var story = new Story().Then(1, Story.Captured(), 0)
            .Then(1, Story.Call(5, ActivityDirection.In), 5)
            .Then(1, Story.Call(10), 11)
            .Then(1, Story.Call(20), 20)
            .Then(1, Story.Call(30, kind: ActivityKind.Email), 30);
        var facts = Folding.Of(new ResponseTimes(), story.Events).Entries;
        Assert.Equal(
            [("captured", "", null), ("first", "", 600_000_000L), ("first-of-kind", "call", 600_000_000L),
                ("first-of-kind", "email", (long?)1_800_000_000L)],
            facts.Select(fact => (fact.Measure, fact.Dim1, fact.Micros)));
    }

    [Fact]
    public void count_an_activity_before_the_capture_as_no_wait() =>
        Assert.Equal(0, Folding.Of(new ResponseTimes(), new Story().Then(1, Story.Captured(), 10).Then(1, Story.Call(5), 11).Events)
            .Entries[1].Micros);
}

public sealed class The_activity
{
    [Fact]
    public void counts_every_event_of_a_lead_by_its_name_its_kind_and_its_actor() =>
        Assert.Equal(
            ["lead-captured system +1", "lead-activity-logged call out ann +1"],
            Folding.FactsOf(new Activity(), new Story().Then(1, Story.Captured(), 0).Then(1, Story.Call(1), 1, "ann")
                .Then(2, new UserRenamed("x"), 2)));
}

public sealed class Every_projection
{
    [Fact]
    public void applies_every_stored_event_without_a_fault()
    {
        var history = GeneratedHistory.Of(seed: 3, leads: 30, events: 900, inOrder: false, erased: 5);
        Assert.Equal(
            LeadEvent.StoredNames.Keys.Order(StringComparer.Ordinal),
            history.Select(recorded => recorded.Type).Where(type => type.StartsWith("lead-", StringComparison.Ordinal))
                .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
        Folding.Of(new LeadBoard(), history);
        Folding.Of(new LeadHistory(), history);
        Folding.Of(new LeadTimeline(), history);
        Folding.Of(new AuditTrail(), history);
        Folding.Of(new Funnel(), history);
        Folding.Of(new Sources(), history);
        Folding.Of(new Agents(), history);
        Folding.Of(new Activity(), history);
        Folding.Of(new ResponseTimes(), history);
    }

    [Fact]
    public void has_a_name_of_its_own() =>
        Assert.Equal(
            ["lead_board", "lead_history", "lead_timeline", "audit_trail", "funnel", "sources", "agents", "activity", "response_times"],
            ProjectionList.All.Select(projection => projection.Name));
}

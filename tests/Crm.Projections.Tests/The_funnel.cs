using Crm.Domain;
using Crm.Domain.Leads;

namespace Crm.Projections.Tests;

public sealed class The_funnel
{
    [Fact]
    public void counts_a_captured_lead_as_new_with_its_value() =>
        Assert.Equal(["entered new +1 100 EUR"], Facts(new Story().Then(1, Story.Captured(), 0)));

    [Fact]
    public void moves_a_lead_from_status_to_status_and_takes_the_time()
    {
        var story = new Story().Then(1, Story.Captured(), 0).Then(1, new LeadContacted(), 30);
        Assert.Equal(["entered new +1 100 EUR", "left new +1 100 EUR", "entered contacted +1 100 EUR"], Facts(story));
        Assert.Equal(30 * 60 * 1_000_000L, Folding.Of(new Funnel(), story.Events).Entries[1].Micros);
    }

    [Fact]
    public void tells_what_a_conversion_had_passed_and_takes_it_back()
    {
        var story = Qualified().Then(1, new LeadConverted(null, null), 3).Then(1, new LeadUnconverted(null), 4);
        Assert.Equal(
            [
                "left qualified +1 100 EUR", "entered converted +1 100 EUR", "onward new+contacted+qualified +1",
                "left converted +1 100 EUR", "entered qualified +1 100 EUR", "onward new+contacted+qualified -1",
            ],
            Facts(story).Skip(5));
    }

    [Fact]
    public void takes_an_archived_lead_out_and_puts_it_back_with_the_value_it_has() =>
        Assert.Equal(
            ["adjusted new -1 -100 EUR", "adjusted new +1 100 EUR"],
            Facts(new Story().Then(1, Story.Captured(), 0).Then(1, new LeadArchived(null), 1).Then(1, new LeadUnarchived(null), 2))
                .Skip(1));

    [Fact]
    public void follows_a_changed_value() =>
        Assert.Equal(
            ["adjusted new 0 -60 EUR", "adjusted new -1 -40 EUR", "adjusted new +1 40 USD"],
            Facts(new Story().Then(1, Story.Captured(), 0).Then(1, new LeadValueChanged(new Money(40, "EUR")), 1)
                .Then(1, new LeadValueChanged(new Money(40, "USD")), 2)).Skip(1));

    [Fact]
    public void has_no_use_for_notes_and_scores()
    {
        var story = new Story().Then(1, Story.Captured(), 0).Then(1, new LeadNoteAdded(Guid.Empty, "hello"), 1)
            .Then(1, new LeadScoreChanged(9, 1), 2);
        Assert.Single(Facts(story));
        var projection = new Funnel();
        var state = projection.Evolve(null, story.Events[0]).State;
        Assert.Same(state, projection.Evolve(state, story.Events[1]).State);
    }

    [Fact]
    public void knows_that_a_reopened_lead_had_been_reached() =>
        Assert.Equal(
            "entered contacted +1 100 EUR",
            Facts(new Story().Then(1, Story.Captured(), 0).Then(1, Story.Call(1), 1).Then(1, new LeadContacted(), 1)
                .Then(1, new LeadDisqualified(null), 2).Then(1, new LeadReopened(null), 3))[^1]);

    [Fact]
    public void knows_that_a_reopened_lead_had_been_contacted_without_an_activity() =>
        Assert.Equal(
            "entered contacted +1 100 EUR",
            Facts(new Story().Then(1, Story.Captured(), 0).Then(1, new LeadContacted(), 1)
                .Then(1, new LeadDisqualified(null), 2).Then(1, new LeadReopened(null), 3))[^1]);

    [Fact]
    public void never_dates_a_fact_before_the_one_before_it()
    {
        var story = new Story().Then(1, Story.Captured(), 10).Then(1, new LeadContacted(), 5);
        Assert.All(Folding.Of(new Funnel(), story.Events).Entries, fact => Assert.Equal(Story.Minute(10), fact.At));
    }

    private static IReadOnlyList<string> Facts(Story story) => Folding.FactsOf(new Funnel(), story);

    private static Story Qualified() =>
        new Story().Then(1, Story.Captured(), 0).Then(1, new LeadContacted(), 1).Then(1, new LeadQualified(null), 2);
}

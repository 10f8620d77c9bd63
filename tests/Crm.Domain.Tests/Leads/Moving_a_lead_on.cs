using Crm.Domain.Leads;
using static Crm.Domain.Tests.Leads.LeadFacts;

namespace Crm.Domain.Tests.Leads;

public class Qualifying_a_lead
{
    [Fact]
    public void is_recorded_once_it_was_contacted() =>
        Given(Captured, CalledOut, Contacted).When(new QualifyLead(null)).Then(new LeadQualified(null));

    [Fact]
    public void may_set_the_score_by_hand() =>
        Given(Captured, Contacted).When(new QualifyLead(80)).ThenState(lead =>
        {
            Assert.Equal((80, true, Temperature.Hot), (lead.Score, lead.ScoreSetByHand, lead.Temperature));
        });

    [Fact]
    public void is_refused_before_it_was_contacted() =>
        Given(Captured, Assigned).When(new QualifyLead(80)).ThenRefused(LeadRefusals.NotContacted);

    [Fact]
    public void twice_changes_nothing() =>
        Given(Captured, Contacted, new LeadQualified(80)).When(new QualifyLead(80)).ThenNothing();

    [Fact]
    public void again_without_a_score_changes_nothing() =>
        Given(Captured, Contacted, new LeadQualified(80)).When(new QualifyLead(null)).ThenNothing();

    [Fact]
    public void again_with_another_score_is_refused() =>
        Given(Captured, Contacted, new LeadQualified(80)).When(new QualifyLead(81)).ThenRefused(LeadRefusals.AlreadyQualified);

    [Fact]
    public void is_refused_after_the_deal() =>
        Given(Captured, Contacted, Qualified, Converted).When(new QualifyLead(null)).ThenRefused(LeadRefusals.AlreadyConverted);

    [Fact]
    public void is_refused_before_it_is_reopened() =>
        Given(Captured, Contacted, Disqualified).When(new QualifyLead(null)).ThenRefused(LeadRefusals.AlreadyDisqualified);

    [Theory]
    [InlineData(-1)]
    [InlineData(101)]
    public void with_a_score_out_of_bounds_is_refused(int score) =>
        Given(Captured, Contacted).When(new QualifyLead(score)).ThenRefused(LeadRefusals.InvalidScore);

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void takes_scores_to_the_very_bounds(int score) =>
        Given(Captured, Contacted).When(new QualifyLead(score)).Then(new LeadQualified(score));
}

public class Disqualifying_a_lead
{
    [Fact]
    public void is_possible_from_every_open_status()
    {
        Given(Captured).When(new DisqualifyLead("no budget")).Then(Disqualified);
        Given(Captured, Contacted).When(new DisqualifyLead("no budget")).Then(Disqualified);
        Given(Captured, Contacted, Qualified).When(new DisqualifyLead("no budget")).Then(Disqualified);
    }

    [Fact]
    public void twice_is_refused() =>
        Given(Captured, Disqualified).When(new DisqualifyLead("no budget")).ThenRefused(LeadRefusals.AlreadyDisqualified);

    [Fact]
    public void is_refused_after_the_deal() =>
        Given(Captured, Contacted, Qualified, Converted).When(new DisqualifyLead(null)).ThenRefused(LeadRefusals.AlreadyConverted);
}

public class Reopening_a_lead
{
    [Fact]
    public void that_was_reached_out_to_makes_it_contacted() =>
        Given(Captured, CalledOut, Contacted, Disqualified).When(new ReopenLead("called back"))
            .ThenState(lead => Assert.Equal(LeadStatus.Contacted, lead.Status));

    [Fact]
    public void that_had_been_contacted_makes_it_contacted_also_where_its_history_names_no_activity()
    {
        LeadEvent[][] histories = [[Contacted], [Qualified], [Converted, new LeadUnconverted(null)], [Contacted, Qualified]];
        foreach (var further in histories)
        {
            Given([Captured, .. further, Disqualified]).When(new ReopenLead(null))
                .ThenState(lead => Assert.Equal(LeadStatus.Contacted, lead.Status));
            Given([Captured, .. further, new LeadArchived(null), new LeadUnarchived(null), Disqualified]).When(new ReopenLead(null))
                .ThenState(lead => Assert.Equal(LeadStatus.Contacted, lead.Status));
        }
    }

    [Fact]
    public void that_was_never_reached_out_to_makes_it_new() =>
        Given(Captured, Disqualified).When(new ReopenLead(null)).ThenState(lead => Assert.Equal(LeadStatus.New, lead.Status));

    [Fact]
    public void is_recorded_with_its_reason() =>
        Given(Captured, Disqualified).When(new ReopenLead("called back")).Then(new LeadReopened("called back"));

    [Fact]
    public void lets_the_rules_score_it_again() =>
        Given(Captured, CalledOut, Contacted, new LeadQualified(90), Disqualified).When(new ReopenLead(null))
            .ThenFollows(new LeadScoreChanged(30, 1));

    [Fact]
    public void that_is_open_changes_nothing()
    {
        Given(Captured).When(new ReopenLead(null)).ThenNothing();
        Given(Captured, Contacted).When(new ReopenLead(null)).ThenNothing();
        Given(Captured, Contacted, Qualified).When(new ReopenLead(null)).ThenNothing();
    }

    [Fact]
    public void is_refused_after_the_deal() =>
        Given(Captured, Contacted, Qualified, Converted).When(new ReopenLead(null)).ThenRefused(LeadRefusals.AlreadyConverted);
}

public class Converting_a_lead
{
    private static readonly ConvertedOpportunity Deal = new("Engine", new Money(1_000, "GBP"), new DateOnly(2026, 6, 1));

    [Fact]
    public void is_recorded_with_the_opportunity_and_the_customer() =>
        Given(Captured, Contacted, Qualified).When(new ConvertLead(Deal, new ConvertedCustomer("Byron")))
            .Then(new LeadConverted(Deal, new ConvertedCustomer("Byron")));

    [Fact]
    public void twice_is_refused() =>
        Given(Captured, Contacted, Qualified, Converted).When(new ConvertLead(null, null)).ThenRefused(LeadRefusals.AlreadyConverted);

    [Fact]
    public void is_refused_before_it_is_qualified()
    {
        Given(Captured).When(new ConvertLead(null, null)).ThenRefused(LeadRefusals.NotQualified);
        Given(Captured, Contacted).When(new ConvertLead(null, null)).ThenRefused(LeadRefusals.NotQualified);
        Given(Captured, Disqualified).When(new ConvertLead(null, null)).ThenRefused(LeadRefusals.NotQualified);
    }

    [Fact]
    public void for_a_negative_value_is_refused() =>
        Given(Captured, Contacted, Qualified).When(new ConvertLead(Deal with { Value = new Money(-1, "GBP") }, null))
            .ThenRefused(LeadRefusals.InvalidAmount("/opportunity/value"));

    [Fact]
    public void for_a_currency_that_is_none_is_refused() =>
        Given(Captured, Contacted, Qualified).When(new ConvertLead(Deal with { Value = new Money(1, "gbp") }, null))
            .ThenRefused(LeadRefusals.InvalidCurrency("/opportunity/value"));
}

public class Unconverting_a_lead
{
    [Fact]
    public void makes_it_qualified_again() =>
        Given(Captured, Contacted, Qualified, Converted).When(new UnconvertLead("wrong lead"))
            .ThenState(lead => Assert.Equal(LeadStatus.Qualified, lead.Status));

    [Fact]
    public void is_recorded_with_its_reason() =>
        Given(Captured, Contacted, Qualified, Converted).When(new UnconvertLead("wrong lead")).Then(new LeadUnconverted("wrong lead"));

    [Fact]
    public void that_is_not_converted_is_refused()
    {
        Given(Captured).When(new UnconvertLead(null)).ThenRefused(LeadRefusals.NotConverted);
        Given(Captured, Contacted).When(new UnconvertLead(null)).ThenRefused(LeadRefusals.NotConverted);
        Given(Captured, Contacted, Qualified).When(new UnconvertLead(null)).ThenRefused(LeadRefusals.NotConverted);
        Given(Captured, Disqualified).When(new UnconvertLead(null)).ThenRefused(LeadRefusals.NotConverted);
    }

    [Fact]
    public void twice_is_refused() =>
        Given(Captured, Contacted, Qualified, Converted, new LeadUnconverted(null)).When(new UnconvertLead(null))
            .ThenRefused(LeadRefusals.NotConverted);
}

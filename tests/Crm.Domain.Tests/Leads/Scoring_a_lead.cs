using Crm.Domain.Leads;
using static Crm.Domain.Tests.Leads.LeadFacts;

namespace Crm.Domain.Tests.Leads;

public class Scoring_a_lead
{
    public static TheoryData<string, LeadDetails, Engagement, int> Rules
    {
        get
        {
            var none = LeadDetails.Unknown;
            LeadDetails Worth(decimal amount) => none with { Value = new Money(amount, "EUR") };
            LeadDetails From(string source) => none with { Source = source };
            return new()
            {
                { "nothing", none, default, 0 },
                { "name", none with { LastName = "Byron" }, default, 5 },
                { "first name only", none with { FirstName = "Ada" }, default, 0 },
                { "blank name", none with { LastName = " " }, default, 0 },
                { "email", none with { Email = "ada@example.com" }, default, 15 },
                { "phone", none with { Phone = "1" }, default, 10 },
                { "company", none with { Company = "x" }, default, 10 },
                { "no value", Worth(0), default, 0 },
                { "a little value", Worth(0.01m), default, 5 },
                { "below a thousand", Worth(999.99m), default, 5 },
                { "a thousand", Worth(1_000), default, 10 },
                { "ten thousand", Worth(10_000), default, 15 },
                { "a hundred thousand", Worth(100_000), default, 20 },
                { "unknown source", From("unknown"), default, 0 },
                { "empty source", From(""), default, 0 },
                { "referral", From("referral"), default, 15 },
                { "website", From("website"), default, 10 },
                { "event", From("event"), default, 10 },
                { "partner", From("partner"), default, 10 },
                { "other source", From("cold-call"), default, 5 },
                { "one inward contact", none, new Engagement(1, 0, 0), 5 },
                { "three inward contacts", none, new Engagement(3, 0, 0), 15 },
                { "four inward contacts", none, new Engagement(4, 0, 0), 15 },
                { "outward contacts", none, new Engagement(0, 9, 0), 0 },
                { "one meeting", none, new Engagement(0, 0, 1), 10 },
                { "two meetings", none, new Engagement(0, 0, 2), 10 },
                {
                    "everything",
                    Ada with { Phone = "1", Source = "referral", Value = new Money(1_000_000, "EUR") },
                    new Engagement(9, 9, 9),
                    100
                },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public void follows_the_table(string what, LeadDetails details, Engagement engagement, int score)
    {
        Assert.NotEmpty(what);
        Assert.Equal(score, LeadScore.Of(details, engagement));
        Assert.Equal(score, LeadScore.Breakdown(details, engagement).Sum(factor => factor.Points));
    }

    [Theory]
    [InlineData(0, Temperature.Cold)]
    [InlineData(39, Temperature.Cold)]
    [InlineData(40, Temperature.Cool)]
    [InlineData(59, Temperature.Cool)]
    [InlineData(60, Temperature.Warm)]
    [InlineData(79, Temperature.Warm)]
    [InlineData(80, Temperature.Hot)]
    [InlineData(100, Temperature.Hot)]
    public void gives_the_temperature(int score, Temperature temperature) => Assert.Equal(temperature, LeadScore.TemperatureOf(score));

    [Fact]
    public void anew_records_the_score_by_the_rules_in_force() =>
        Given(new LeadCaptured(Ada, 7, 0)).When(new ScoreLead()).Then(new LeadScoreChanged(30, 1));

    [Fact]
    public void anew_records_the_version_of_the_rules_even_where_the_score_stays() =>
        Given(new LeadCaptured(Ada, 30, 0)).When(new ScoreLead()).Then(new LeadScoreChanged(30, 1));

    [Fact]
    public void twice_changes_nothing() => Given(Captured).When(new ScoreLead()).ThenNothing();

    [Fact]
    public void leaves_a_score_set_by_hand_alone() => Given(Captured, Contacted, new LeadQualified(90)).When(new ScoreLead()).ThenNothing();

    [Fact]
    public void is_explained_by_factors_that_add_up() =>
        Assert.Equal(
            [("name", 5), ("email", 15), ("company", 10)],
            LeadScore.Explain(Lead.Aggregate.Fold([Captured])).Factors.Select(factor => (factor.Factor, factor.Points)));

    [Fact]
    public void by_hand_is_explained_as_such() =>
        Assert.Equal(
            [("by-hand", 90)],
            LeadScore.Explain(Lead.Aggregate.Fold([Captured, Contacted, new LeadQualified(90)])).Factors
                .Select(factor => (factor.Factor, factor.Points)));

    [Fact]
    public void that_lags_behind_the_rules_is_explained_with_the_difference() =>
        Assert.Equal(
            [("name", 5), ("email", 15), ("company", 10), ("not-rescored", -23)],
            LeadScore.Explain(Lead.Aggregate.Fold([new LeadCaptured(Ada, 7, 1)])).Factors
                .Select(factor => (factor.Factor, factor.Points)));
}

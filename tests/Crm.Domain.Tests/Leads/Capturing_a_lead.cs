using Crm.Domain.Leads;
using static Crm.Domain.Tests.Leads.LeadFacts;

namespace Crm.Domain.Tests.Leads;

public class Capturing_a_lead
{
    [Fact]
    public void records_what_is_known_and_the_score() =>
        Given().When(new CaptureLead(Ada, null)).Then(new LeadCaptured(Ada, 30, 1));

    [Fact]
    public void needs_no_second_score() =>
        Given().When(new CaptureLead(Ada, null)).ThenFollows();

    [Fact]
    public void for_an_agent_assigns_it_too() =>
        Given().When(new CaptureLead(Ada, AgentAnna)).Then(Captured, new LeadAssigned(Anna));

    [Fact]
    public void for_an_inactive_agent_is_refused() =>
        Given().When(new CaptureLead(Ada, InactiveBoris)).ThenRefused(LeadRefusals.AgentInactive);

    [Fact]
    public void for_an_agent_who_is_not_there_is_refused() =>
        Given().When(new CaptureLead(Ada, Nobody)).ThenRefused(LeadRefusals.UnknownAgent);

    [Fact]
    public void twice_is_refused() =>
        Given(Captured).When(new CaptureLead(Ada, null)).ThenRefused(LeadRefusals.AlreadyExists);

    [Fact]
    public void of_nobody_in_particular_is_refused() =>
        Given().When(new CaptureLead(LeadDetails.Unknown with { FirstName = "Ada", Source = "event" }, null))
            .ThenRefused(LeadRefusals.Unidentified);

    [Theory]
    [InlineData("lastName")]
    [InlineData("company")]
    [InlineData("email")]
    [InlineData("phone")]
    [InlineData("externalId")]
    public void needs_one_thing_that_identifies_it(string field)
    {
        var details = field switch
        {
            "lastName" => LeadDetails.Unknown with { LastName = "Byron" },
            "company" => LeadDetails.Unknown with { Company = "Analytical Engines" },
            "email" => LeadDetails.Unknown with { Email = "ada@example.com" },
            "phone" => LeadDetails.Unknown with { Phone = "+44 20 7946 0000" },
            "externalId" => LeadDetails.Unknown with { ExternalId = "173688" },
            _ => throw new ArgumentOutOfRangeException(nameof(field)),
        };
        Given().When(new CaptureLead(details, null)).ThenState(lead => Assert.Equal(details, lead.Details));
    }

    [Fact]
    public void with_blank_words_only_is_refused() =>
        Given().When(new CaptureLead(LeadDetails.Unknown with { LastName = " ", Company = "" }, null))
            .ThenRefused(LeadRefusals.Unidentified);

    [Fact]
    public void keeps_tags_trimmed_sorted_and_once() =>
        Given().When(new CaptureLead(Ada with { Tags = ["vip", " b ", "B", "vip", ""] }, null))
            .ThenState(lead => Assert.Equal(["B", "b", "vip"], lead.Details.Tags));

    [Fact]
    public void with_an_address_that_is_none_is_refused() =>
        Given().When(new CaptureLead(Ada with { Email = "ada" }, null)).ThenRefused(LeadRefusals.InvalidEmail);

    [Fact]
    public void with_too_many_tags_is_refused() =>
        Given().When(new CaptureLead(Ada with { Tags = [.. Enumerable.Range(0, 51).Select(n => $"tag {n}")] }, null))
            .ThenRefused(LeadRefusals.InvalidTags);

    [Fact]
    public void with_a_tag_that_is_too_long_is_refused() =>
        Given().When(new CaptureLead(Ada with { Tags = [new string('x', 51)] }, null)).ThenRefused(LeadRefusals.InvalidTags);

    [Fact]
    public void with_a_negative_value_is_refused() =>
        Given().When(new CaptureLead(Ada with { Value = new Money(-0.01m, "EUR") }, null))
            .ThenRefused(LeadRefusals.InvalidAmount("/value"));

    [Fact]
    public void with_a_value_finer_than_four_decimals_is_refused() =>
        Given().When(new CaptureLead(Ada with { Value = new Money(0.00001m, "EUR") }, null))
            .ThenRefused(LeadRefusals.InvalidAmount("/value"));

    [Fact]
    public void with_a_currency_that_is_none_is_refused() =>
        Given().When(new CaptureLead(Ada with { Value = new Money(1, "eur") }, null))
            .ThenRefused(LeadRefusals.InvalidCurrency("/value"));
}

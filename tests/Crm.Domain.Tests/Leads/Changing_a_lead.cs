using Crm.Domain.Leads;
using static Crm.Domain.Tests.Leads.LeadFacts;

namespace Crm.Domain.Tests.Leads;

public class Changing_a_lead
{
    [Fact]
    public void records_the_contact_details_as_they_now_stand() =>
        Given(Captured).When(new ChangeLead { Phone = "+44 20 7946 0000" })
            .Then(new LeadContactDetailsChanged("Ada", "Byron", "ada@example.com", "+44 20 7946 0000"));

    [Fact]
    public void records_one_event_for_each_meaning() =>
        Given(Captured).When(new ChangeLead
        {
            FirstName = "Augusta",
            Company = "Difference Engines",
            Value = new Money(5_000, "GBP"),
            Source = "referral",
            Tags = Change<IReadOnlyList<string>?>.To(["b", "a", "b"]),
            ExternalId = "173688",
            Owner = AgentAnna,
        }).Then(
            new LeadContactDetailsChanged("Augusta", "Byron", "ada@example.com", null),
            new LeadCompanyChanged("Difference Engines"),
            new LeadValueChanged(new Money(5_000, "GBP")),
            new LeadSourceChanged("referral"),
            new LeadTagsChanged(["a", "b"]),
            new LeadExternalIdChanged("173688"),
            new LeadAssigned(Anna));

    [Fact]
    public void to_what_it_is_already_changes_nothing() =>
        Given(Captured, Assigned).When(new ChangeLead
        {
            FirstName = "Ada",
            Email = "ada@example.com",
            Company = "Analytical Engines",
            Phone = Change<string?>.To(null),
            Tags = Change<IReadOnlyList<string>?>.To(null),
            Owner = AgentAnna,
        }).ThenNothing();

    [Fact]
    public void that_says_nothing_changes_nothing() =>
        Given(Captured).When(new ChangeLead()).ThenNothing();

    [Fact]
    public void to_null_forgets_a_value() =>
        Given(Captured, new LeadValueChanged(new Money(1, "EUR"))).When(new ChangeLead { Value = Change<Money?>.To(null) })
            .Then(new LeadValueChanged(null));

    [Fact]
    public void to_null_tags_removes_them_all() =>
        Given(Captured, new LeadTagsChanged(["a"])).When(new ChangeLead { Tags = Change<IReadOnlyList<string>?>.To(null) })
            .Then(new LeadTagsChanged([]));

    [Fact]
    public void to_no_owner_unassigns_it() =>
        Given(Captured, Assigned).When(new ChangeLead { Owner = Change<Agent?>.To(null) }).Then(new LeadUnassigned());

    [Fact]
    public void that_moves_the_score_is_followed_by_the_new_score() =>
        Given(Captured).When(new ChangeLead { Source = "referral" }).ThenFollows(new LeadScoreChanged(45, 1));

    [Fact]
    public void that_does_not_move_the_score_is_followed_by_nothing() =>
        Given(Captured).When(new ChangeLead { FirstName = "Augusta" }).ThenFollows();

    [Fact]
    public void leaves_a_score_set_by_hand_alone() =>
        Given(Captured, Contacted, new LeadQualified(90)).When(new ChangeLead { Source = "referral" }).ThenFollows();

    [Fact]
    public void to_an_address_that_is_none_is_refused() =>
        Given(Captured).When(new ChangeLead { Email = "ada@" }).ThenRefused(LeadRefusals.InvalidEmail);

    [Fact]
    public void to_a_value_that_is_too_great_is_refused() =>
        Given(Captured).When(new ChangeLead { Value = new Money(Money.MaxAmount + 1, "EUR") })
            .ThenRefused(LeadRefusals.InvalidAmount("/value"));

    [Fact]
    public void to_a_currency_that_is_none_is_refused() =>
        Given(Captured).When(new ChangeLead { Value = new Money(1, "EURO") }).ThenRefused(LeadRefusals.InvalidCurrency("/value"));

    [Fact]
    public void to_tags_that_are_too_long_is_refused() =>
        Given(Captured).When(new ChangeLead { Tags = Change<IReadOnlyList<string>?>.To([new string('x', 51)]) })
            .ThenRefused(LeadRefusals.InvalidTags);

    [Fact]
    public void so_that_nothing_identifies_it_is_refused() =>
        Given(new LeadCaptured(LeadDetails.Unknown with { LastName = "Byron" }, 5, 1))
            .When(new ChangeLead { LastName = Change<string?>.To(null) })
            .ThenRefused(LeadRefusals.Unidentified);

    [Fact]
    public void to_an_inactive_owner_is_refused_as_a_whole() =>
        Given(Captured).When(new ChangeLead { Company = "Other", Owner = InactiveBoris }).ThenRefused(LeadRefusals.AgentInactive);

    [Fact]
    public void to_an_owner_who_is_not_there_is_refused() =>
        Given(Captured).When(new ChangeLead { Owner = Nobody }).ThenRefused(LeadRefusals.UnknownAgent);
}

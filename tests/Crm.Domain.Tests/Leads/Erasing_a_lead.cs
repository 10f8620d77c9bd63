using Crm.Domain.Leads;
using static Crm.Domain.Tests.Leads.LeadFacts;

namespace Crm.Domain.Tests.Leads;

public class Erasing_a_lead
{
    private const string ByLetter = "the person, by letter";

    private static readonly LeadDetails Known = Ada with
    {
        Phone = "+44 (0)20 7946-0018",
        ExternalId = "K-2217",
        Source = "referral",
        Value = new Money(100, "EUR"),
        Tags = ["vip"],
    };

    private static readonly LeadEvent[] History = [new LeadCaptured(Known, 65, 1), Assigned, CalledOut, Contacted, Archived];

    [Fact]
    public void is_recorded_with_its_reason_and_who_asked() => Given(Captured).When(Erase("Article 17")).Then(Erased);

    [Fact]
    public void is_possible_whatever_became_of_it()
    {
        Given(Captured, Contacted, Qualified, Converted).When(Erase("Article 17")).Then(Erased);
        Given(Captured, Disqualified).When(Erase("Article 17")).Then(Erased);
        Given(Captured, Archived).When(Erase("Article 17")).Then(Erased);
    }

    [Fact]
    public void leaves_status_owner_value_source_and_score_and_nothing_of_the_person() => Given(History).When(Erase("Article 17")).ThenState(lead =>
    {
        Assert.Equal((true, true, LeadStatus.Contacted, Anna, 65), (lead.IsErased, lead.IsArchived, lead.Status, lead.OwnerId, lead.Score));
        Assert.Equal(LeadDetails.Unknown with { Source = "referral", Value = new Money(100, "EUR") }, lead.Details);
    });

    [Fact]
    public void moves_no_score() => Given(Captured, Assigned).When(Erase("Article 17")).ThenFollows();

    [Fact]
    public void twice_is_refused() => Given(Captured, Erased).When(Erase("Article 17")).ThenRefused(LeadRefusals.Erased);

    [Fact]
    public void that_is_not_there_is_refused() => Given().When(Erase("Article 17")).ThenRefused(LeadRefusals.NotFound);

    [Theory]
    [InlineData("Mrs Byron wants it")]
    [InlineData("ADA wants it")]
    [InlineData("asked for by BYRON, Ada")]
    [InlineData("mail from Ada@Example.com")]
    [InlineData("<ada@example.com>")]
    [InlineData("called from 020 7946 0018")]
    [InlineData("called from 0044-20/79.46.00.18 today")]
    [InlineData("customer K-2217")]
    [InlineData("customer k-2217.")]
    [InlineData("left analytical engines")]
    [InlineData("Mrs Milbanke, as she was before")]
    [InlineData("formerly ada@old.example")]
    [InlineData("customer of Byron & Sons")]
    public void is_refused_where_a_text_that_is_kept_names_the_person(string text)
    {
        LeadEvent[] history =
        [
            new LeadCaptured(Known with { LastName = "Milbanke", Email = "ada@old.example" }, 65, 1),
            new LeadContactDetailsChanged(Known.FirstName, Known.LastName, Known.Email, Known.Phone),
            Contacted,
            Qualified,
            new LeadConverted(null, new ConvertedCustomer("Byron & Sons")),
        ];
        var traces = PersonTraces.Of(history);

        Given(history).When(new EraseLead(text, ByLetter, traces)).ThenRefused(LeadRefusals.NamesThePerson("/reason"));
        Given(history).When(new EraseLead("Article 17", text, traces)).ThenRefused(LeadRefusals.NamesThePerson("/requestedBy"));
    }

    [Theory]
    [InlineData("adage")]
    [InlineData("Byronic")]
    [InlineData("K-22170")]
    [InlineData("ticket 2077946 of 2026-11-20")]
    [InlineData("")]
    public void is_not_refused_for_words_that_only_look_alike(string text) =>
        Given(History).When(new EraseLead(text, ByLetter, PersonTraces.Of(History))).Then(new LeadErased(text, ByLetter));

    [Theory]
    [InlineData("Li", "a list of Li's", false)]
    [InlineData("王伟", "请删除王伟的资料", true)]
    [InlineData("Jean-Luc", "from Luc", true)]
    [InlineData("İpek", "İPEK", true)]
    public void takes_names_as_their_scripts_write_them(string name, string text, bool isNamed)
    {
        var traces = PersonTraces.Of([new LeadCaptured(LeadDetails.Unknown with { LastName = name }, 5, 1)]);
        Assert.Equal(isNamed, traces.AreIn(text));
    }

    private static EraseLead Erase(string reason) => new(reason, ByLetter, PersonTraces.Of([Captured]));
}

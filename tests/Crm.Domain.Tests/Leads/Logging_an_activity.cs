using Crm.Domain.Leads;
using static Crm.Domain.Tests.Leads.LeadFacts;

namespace Crm.Domain.Tests.Leads;

public class Logging_an_activity
{
    private static readonly LogActivity CallOut =
        new(FirstActivity, ActivityKind.Call, ActivityDirection.Out, Noon, Noon) { Subject = "Hello", DurationSeconds = 60 };

    private static readonly LogActivity MailIn = new(FirstActivity, ActivityKind.Email, ActivityDirection.In, Noon, Noon);

    [Fact]
    public void outward_to_a_new_lead_makes_it_contacted() =>
        Given(Captured).When(CallOut).Then(CalledOut, new LeadContacted());

    [Fact]
    public void inward_leaves_a_new_lead_new() =>
        Given(Captured).When(MailIn).Then(
            new LeadActivityLogged(FirstActivity, ActivityKind.Email, ActivityDirection.In, Noon, null, null, null, null));

    [Fact]
    public void inward_moves_the_score() =>
        Given(Captured).When(MailIn).ThenFollows(new LeadScoreChanged(35, 1));

    [Fact]
    public void again_is_another_contact() =>
        Given(Captured, CalledOut, Contacted).When(CallOut).Then(CalledOut);

    [Fact]
    public void is_possible_after_the_deal_and_after_the_refusal()
    {
        Given(Captured, Contacted, Qualified, Converted).When(CallOut).Then(CalledOut);
        Given(Captured, Disqualified).When(CallOut).Then(CalledOut);
        Given(Captured, Contacted, Qualified).When(CallOut).Then(CalledOut);
    }

    [Fact]
    public void of_the_future_is_refused() =>
        Given(Captured).When(CallOut with { At = Noon.AddTicks(1) }).ThenRefused(LeadRefusals.InTheFuture);

    [Fact]
    public void of_the_future_is_refused_after_the_first_contact_too() =>
        Given(Captured, CalledOut, Contacted).When(CallOut with { At = Noon.AddTicks(1) }).ThenRefused(LeadRefusals.InTheFuture);

    [Fact]
    public void keeps_its_time_in_UTC() =>
        Assert.Equal(
            TimeSpan.Zero,
            Assert.IsType<LeadActivityLogged>(
                (CallOut with { At = Noon.ToOffset(TimeSpan.FromHours(2)) }).Decide(Lead.Aggregate.Fold([Captured])).Events[0]).At.Offset);
}

public class Adding_a_note
{
    [Fact]
    public void is_recorded() => Given(Captured).When(new AddNote(FirstNote, "likes tea")).Then(new LeadNoteAdded(FirstNote, "likes tea"));

    [Fact]
    public void again_is_another_note() =>
        Given(Captured, new LeadNoteAdded(FirstNote, "likes tea")).When(new AddNote(FirstNote, "likes tea"))
            .Then(new LeadNoteAdded(FirstNote, "likes tea"));

    [Fact]
    public void is_possible_whatever_became_of_the_lead()
    {
        Given(Captured, Contacted, Qualified, Converted).When(new AddNote(FirstNote, "x")).Then(new LeadNoteAdded(FirstNote, "x"));
        Given(Captured, Disqualified).When(new AddNote(FirstNote, "x")).Then(new LeadNoteAdded(FirstNote, "x"));
    }
}

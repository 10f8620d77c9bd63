using Crm.Domain.Leads;
using static Crm.Domain.Tests.Leads.LeadFacts;

namespace Crm.Domain.Tests.Leads;

/// <summary>Histories here are lists of events, of which those of <c>Theirs</c> are unwanted.</summary>
public class Reversing_changes
{
    private static readonly LeadContactDetailsChanged OtherMail = new("Ada", "Byron", "other@example.com", null);

    [Fact]
    public void puts_a_field_back_to_what_it_would_be_without_them()
    {
        var (lead, fields) = Reverse(Ours(Captured), Theirs(new LeadCompanyChanged("Wrong")), Theirs(new LeadCompanyChanged("Worse")));

        Assert.Equal(Ada, lead.Details);
        Assert.Equal([new FieldReversal("company", FieldOutcome.Reversed)], fields);
    }

    [Fact]
    public void keeps_a_field_that_somebody_else_has_changed_since()
    {
        var (lead, fields) = Reverse(
            Ours(Captured),
            Theirs(new LeadCompanyChanged("Wrong")),
            Theirs(new LeadSourceChanged("wrong")),
            Ours(new LeadCompanyChanged("Right")));

        Assert.Equal(("Right", null), (lead.Details.Company, lead.Details.Source));
        Assert.Equal(FieldOutcome.Kept, fields.Single(field => field.Field == "company").Outcome);
        Assert.Equal(FieldOutcome.Reversed, fields.Single(field => field.Field == "source").Outcome);
    }

    [Fact]
    public void tells_a_changed_field_from_one_that_an_event_only_carries_along()
    {
        var phone = OtherMail with { Phone = "1" };
        var (lead, _) = Reverse(Ours(Captured), Theirs(OtherMail), Ours(phone));

        Assert.Equal(("ada@example.com", "1"), (lead.Details.Email, lead.Details.Phone));
    }

    [Fact]
    public void puts_status_and_owner_back_and_scores_by_the_rules()
    {
        var (lead, _) = Reverse(
            Ours(Captured), Theirs(Assigned), Theirs(Contacted), Theirs(new LeadQualified(100)), Ours(new LeadSourceChanged("event")));

        Assert.Equal((LeadStatus.New, null, false), (lead.Status, lead.OwnerId, lead.AssignmentOpen));
        Assert.Equal((40, false), (lead.Score, lead.ScoreSetByHand));
    }

    [Fact]
    public void takes_an_owner_and_their_assignment_together()
    {
        var (lead, _) = Reverse(Ours(Captured), Theirs(Assigned), Ours(new LeadTransferred(Boris, null)));

        Assert.Equal((Boris, true), (lead.OwnerId, lead.AssignmentOpen));
    }

    [Fact]
    public void brings_a_lead_back_that_they_archived() =>
        Assert.False(Reverse(Ours(Captured), Theirs(Archived)).Lead.IsArchived);

    [Fact]
    public void archives_a_lead_that_they_captured_and_nobody_else_worked_on()
    {
        var (lead, fields) = Reverse(Theirs(Captured), Theirs(Contacted), Ours(new LeadScoreChanged(50, 1)));

        Assert.Equal((true, LeadStatus.Contacted), (lead.IsArchived, lead.Status));
        Assert.Equal("captured", Assert.Single(fields).Field);
    }

    [Fact]
    public void keeps_a_lead_that_they_captured_once_others_work_on_it()
    {
        var (lead, fields) = Reverse(Theirs(Captured), Theirs(new LeadCompanyChanged("Wrong")), Ours(Contacted));

        Assert.Equal((false, LeadStatus.Contacted, Ada.Company), (lead.IsArchived, lead.Status, lead.Details.Company));
        Assert.Equal(FieldOutcome.Kept, fields.Single(field => field.Field == "captured").Outcome);
    }

    [Fact]
    public void leaves_what_took_place_on_the_record()
    {
        var (_, fields) = Reverse(Ours(Captured), Theirs(CalledOut), Theirs(new LeadNoteAdded(FirstNote, "x")), Theirs(Contacted));

        Assert.Equal(
            [("status", FieldOutcome.Reversed), ("activities", FieldOutcome.Kept), ("notes", FieldOutcome.Kept)],
            fields.Select(field => (field.Field, field.Outcome)));
    }

    [Fact]
    public void of_what_took_place_alone_changes_nothing() => Decide(Ours(Captured), Theirs(CalledOut)).ThenNothing();

    [Fact]
    public void does_not_leave_a_lead_that_nothing_identifies()
    {
        var nameless = new LeadContactDetailsChanged(null, null, "other@example.com", null);
        var bare = new LeadCaptured(LeadDetails.Unknown with { LastName = "Byron" }, 5, 1);
        var both = nameless with { LastName = "Byron" };
        var (lead, fields) = Reverse(Ours(bare), Theirs(both), Ours(nameless));

        Assert.Equal("other@example.com", lead.Details.Email);
        Assert.Equal(FieldOutcome.Failed, fields.Single(field => field.Field == "email").Outcome);
    }

    [Fact]
    public void leaves_out_a_field_that_cannot_go_back()
    {
        HistoryStep[] history = Numbered(Ours(Captured), Theirs(new LeadExternalIdChanged("7")), Theirs(new LeadCompanyChanged("Wrong")));
        var reversal = LeadReversal.Of(history, new Dictionary<string, string>(StringComparer.Ordinal) { ["externalId"] = "taken" });

        Assert.Equal(("7", Ada.Company), (reversal.Target.Details.ExternalId, reversal.Target.Details.Company));
        Assert.Contains(new FieldReversal("externalId", FieldOutcome.Failed, "taken"), reversal.Fields);
    }

    [Fact]
    public void twice_changes_nothing()
    {
        HistoryStep[] history =
        [
            Ours(Captured), Theirs(new LeadCompanyChanged("Wrong")), Theirs(new LeadSourceChanged("x")), Ours(new LeadSourceChanged("y")),
        ];

        Decide([.. history, Ours(Happened(history))]).ThenNothing();
    }

    [Fact]
    public void of_another_actor_does_not_stop_at_an_earlier_reversal()
    {
        HistoryStep[] history = [Ours(Captured), Ours(new LeadCompanyChanged("First's")), Theirs(new LeadCompanyChanged("Second's"))];
        var reversed = Ours(Happened(history));
        var (lead, _) = Reverse(
            history[0], Theirs(new LeadCompanyChanged("First's")), Ours(new LeadCompanyChanged("Second's")), reversed);

        Assert.Equal(Ada.Company, lead.Details.Company);
    }

    [Fact]
    public void of_a_reversal_brings_back_what_it_reversed()
    {
        HistoryStep[] history = [Ours(Captured), Theirs(new LeadCompanyChanged("Right after all"))];
        var reversed = Happened(history);
        var (lead, _) = Reverse(history[0], Ours(new LeadCompanyChanged("Right after all")), Theirs(reversed));
        Assert.Equal("Right after all", lead.Details.Company);

        // And after that, what it had reversed can be reversed again.
        var back = Happened(history[0], Ours(new LeadCompanyChanged("Right after all")), Theirs(reversed));
        Assert.Equal(Ada.Company, Reverse(history[0], history[1], Ours(reversed), Ours(back)).Lead.Details.Company);
    }

    [Fact]
    public void of_a_lead_whose_person_is_erased_is_refused() =>
        Decide(Ours(Captured), Theirs(new LeadCompanyChanged("Wrong")), Ours(new LeadErased("asked", "Ada")))
            .ThenRefused(LeadRefusals.Erased);

    [Fact]
    public void of_a_lead_that_is_not_there_is_refused() =>
        Given().When(new ReverseLeadChanges(LeadReversal.Of([]), null)).ThenRefused(LeadRefusals.NotFound);

    /// <summary>
    /// The property that undo stands for: wherever nobody else has written to a field since, the lead is as if the unwanted events had
    /// never happened. Random histories, one fixed seed.
    /// </summary>
    [Fact]
    public void gives_the_lead_that_would_be_without_them_wherever_nobody_else_wrote_since()
    {
        var compared = 0;
        for (var seed = 1; seed <= 3_000; seed++)
        {
            var random = new Random(seed);
            var history = Numbered([Ours(Captured), .. Enumerable.Range(0, random.Next(1, 14)).Select(_ => Any(random))]);
            var (lead, _) = Reverse(history);
            var decision = new ReverseLeadChanges(LeadReversal.Of(history), null).Decide(Fold(history));
            var without = Lead.Aggregate.Fold(history.Where(step => !step.IsUnwanted).Select(step => step.Happened));
            foreach (var (name, of, writes) in Fields)
            {
                var firstUnwanted = Array.FindIndex(history, step => step.IsUnwanted && writes(step.Happened));
                if (firstUnwanted < 0 || !history[firstUnwanted..].Any(step => !step.IsUnwanted && writes(step.Happened)))
                {
                    compared++;
                    Assert.True(Equals(of(without), of(lead)), $"seed {seed}: {name} is {of(lead)}, not {of(without)}");
                }
            }

            if (decision.Events is [var reversed])
            {
                Assert.True(lead.ScoreSetByHand || lead.Score == LeadScore.Of(lead.Details, lead.Engagement));
                Decide([.. history, Ours(reversed)]).ThenNothing();
            }
        }

        Assert.True(compared > 15_000, $"{compared} comparisons");
    }

    private static readonly (string Name, Func<Lead, object?> Of, Func<LeadEvent, bool> Writes)[] Fields =
    [
        ("company", lead => lead.Details.Company, happened => happened is LeadCompanyChanged or LeadRestored),
        ("source", lead => lead.Details.Source, happened => happened is LeadSourceChanged or LeadRestored),
        ("email", lead => lead.Details.Email, happened => happened is LeadContactDetailsChanged or LeadRestored),
        ("tags", lead => string.Join(',', lead.Details.Tags), happened => happened is LeadTagsChanged or LeadRestored),
        ("value", lead => lead.Details.Value, happened => happened is LeadValueChanged or LeadRestored),
        ("archived", lead => lead.IsArchived, happened => happened is LeadArchived or LeadUnarchived or LeadRestored),
        (
            "owner", lead => (lead.OwnerId, lead.AssignmentOpen),
            happened => happened is LeadAssigned or LeadUnassigned or LeadTransferred or LeadAssignmentCompleted or LeadRestored),
        (
            "status", lead => lead.Status,
            happened => happened is LeadContacted or LeadQualified or LeadDisqualified or LeadConverted or LeadRestored),
    ];

    private static HistoryStep Any(Random random)
    {
        var letter = ((char)('a' + random.Next(4))).ToString();
        LeadEvent happened = random.Next(14) switch
        {
            0 => new LeadCompanyChanged(letter),
            1 => new LeadSourceChanged(letter),
            2 => new LeadContactDetailsChanged(letter, "Byron", letter + "@example.com", null),
            3 => new LeadTagsChanged([letter]),
            4 => new LeadValueChanged(new Money(random.Next(3), "EUR")),
            5 => new LeadArchived(null),
            6 => new LeadUnarchived(null),
            7 => new LeadAssigned(random.Next(2) == 0 ? Anna : Boris),
            8 => new LeadUnassigned(),
            9 => new LeadTransferred(random.Next(2) == 0 ? Anna : Boris, null),
            10 => new LeadContacted(),
            11 => new LeadQualified(random.Next(2) == 0 ? null : random.Next(101)),
            12 => new LeadDisqualified(null),
            _ => new LeadRestored(
                1, Ada with { Company = letter }, LeadStatus.Contacted, Anna, true, random.Next(2) == 0, 30, 1, false, null),
        };
        return random.Next(3) == 0 ? Theirs(happened) : Ours(happened);
    }

    private static HistoryStep Ours(LeadEvent happened) => new(0, happened, IsUnwanted: false);

    private static HistoryStep Theirs(LeadEvent happened) => new(0, happened, IsUnwanted: true);

    private static HistoryStep[] Numbered(params HistoryStep[] history) =>
        [.. history.Select((step, at) => step with { Version = at + 1 })];

    private static LeadChangesReversed Happened(params HistoryStep[] history) =>
        new ReverseLeadChanges(LeadReversal.Of(Numbered(history)), "unwanted").Decide(Fold(history)).Events.OfType<LeadChangesReversed>()
            .Single();

    private static Spec<Lead, LeadEvent>.Decided Decide(params HistoryStep[] history) =>
        Given([.. history.Select(step => step.Happened)]).When(new ReverseLeadChanges(LeadReversal.Of(Numbered(history)), "unwanted"));

    private static (Lead Lead, IReadOnlyList<FieldReversal> Fields) Reverse(params HistoryStep[] history)
    {
        var reversal = LeadReversal.Of(Numbered(history));
        var before = Fold(history);
        var decision = new ReverseLeadChanges(reversal, "unwanted").Decide(before);
        Assert.Null(decision.Refusal);
        return (decision.Events.Concat(Lead.Aggregate.Follow(before, decision.Events)).Aggregate(before, Lead.Evolve), reversal.Fields);
    }

    private static Lead Fold(HistoryStep[] history) => Lead.Aggregate.Fold(history.Select(step => step.Happened));
}

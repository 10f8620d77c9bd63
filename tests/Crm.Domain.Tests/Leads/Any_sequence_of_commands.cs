using Crm.Domain.Leads;
using FsCheck;
using FsCheck.Fluent;
using static Crm.Domain.Tests.Leads.LeadFacts;

namespace Crm.Domain.Tests.Leads;

/// <summary>What holds whatever is asked of a lead, in whatever order. The seed is fixed: a failure is found again.</summary>
public class Any_sequence_of_commands
{
    private static readonly Config FixedSeed = Config.QuickThrowOnFailure.WithMaxTest(2_000)
        .WithReplay(new Replay(new Rnd(20260302UL, 1UL), Microsoft.FSharp.Core.FSharpOption<int>.None));

    /// <summary>A command, or going back to an earlier version of what has happened so far.</summary>
    private abstract record Step
    {
        public sealed record Do(ICommand<Lead, LeadEvent> Command) : Step;

        public sealed record GoBack(int Percent) : Step;

        public sealed record Reverse(int OneIn) : Step;
    }

    [Fact]
    public void keeps_the_score_within_its_bounds() => ForAll(history =>
        Assert.All(history.States, lead => Assert.InRange(lead.Score, 0, 100)));

    [Fact]
    public void changes_an_archived_lead_only_by_unarchiving_restoring_or_erasing_it() => ForAll(history =>
        Assert.All(
            history.Events.Zip(history.States).Where(at => at.Second.IsArchived),
            at => Assert.True(
                at.First is LeadUnarchived or LeadRestored or LeadChangesReversed or LeadCaptureTimeCorrected or LeadErased,
                $"{at.First} on an archived lead")));

    [Fact]
    public void ends_with_an_erasure_and_leaves_nothing_of_the_person() => ForAll(history =>
    {
        Assert.DoesNotContain(history.Events.SkipLast(1), happened => happened is LeadErased);
        Assert.All(history.States.Where(lead => lead.IsErased), lead => Assert.Equal(lead.Details.WithoutPerson(), lead.Details));
    });

    [Fact]
    public void begins_with_the_capture_and_never_captures_again() => ForAll(history =>
    {
        Assert.True(history.Events is [] or [LeadCaptured, ..]);
        Assert.DoesNotContain(history.Events.Skip(1), happened => happened is LeadCaptured);
    });

    [Fact]
    public void follows_the_path_of_the_statuses() => ForAll(history =>
        Assert.All(
            history.States.Zip(history.States.Skip(1)).Zip(history.Events),
            step => Assert.True(MayFollow(step.First.First.Status, step.First.Second.Status, step.Second), step.ToString())));

    [Fact]
    public void is_decided_alike_each_time() => ForAll(history => Assert.Equal(history.Events, Run(history.Steps).Events));

    [Fact]
    public void gives_the_same_state_step_by_step_and_by_replay() => ForAll(history =>
        Assert.Equal(history.States[^1], Lead.Aggregate.Fold(history.Events)));

    [Fact]
    public void leaves_an_open_assignment_with_an_owner_only() => ForAll(history =>
        Assert.All(history.States, lead => Assert.True(lead.OwnerId is not null || !lead.AssignmentOpen)));

    [Fact]
    public void leaves_a_live_lead_with_the_score_of_the_rules_or_of_a_hand() => ForAll(history =>
        Assert.All(
            history.AfterEachCommand.Where(after => after is { Status: not LeadStatus.Missing, IsArchived: false, IsErased: false }),
            lead => Assert.True(
                lead.ScoreSetByHand || history.Events.Any(happened => happened is LeadRestored)
                || lead.Score == LeadScore.Of(lead.Details, lead.Engagement))));

    [Fact]
    public void explains_every_score_with_factors_that_add_up() => ForAll(history =>
        Assert.All(history.States, lead => Assert.Equal(lead.Score, LeadScore.Explain(lead).Factors.Sum(factor => factor.Points))));

    /// <summary>The sequences above are worth something only if everything that can happen happens in some of them.</summary>
    [Fact]
    public void reaches_every_event()
    {
        var reached = new HashSet<Type>();
        ForAll(history => reached.UnionWith(history.Events.Select(happened => happened.GetType())));
        Assert.Empty(LeadEvent.StoredNames.Values.Except(reached));
    }

    private static void ForAll(Action<History> holds) =>
        Prop.ForAll(Arb.From(Steps, Shrunk), steps => holds(Run(steps))).Check(FixedSeed);

    private static IEnumerable<Step[]> Shrunk(Step[] steps) =>
        Enumerable.Range(0, steps.Length).Select(left => steps.Where((_, at) => at != left).ToArray());

    /// <summary>Everything that happened, with the state before each event and, last, after all of them.</summary>
    private sealed record History(Step[] Steps, List<LeadEvent> Events, List<Lead> States, List<Lead> AfterEachCommand);

    private static History Run(Step[] steps)
    {
        var history = new History(steps, [], [Lead.Initial], []);
        foreach (var step in steps)
        {
            var lead = history.States[^1];
            var decision = CommandOf(step, history).Decide(lead);
            foreach (var happened in decision.Events.Concat(Lead.Aggregate.Follow(lead, decision.Events)))
            {
                history.Events.Add(happened);
                history.States.Add(Lead.Evolve(history.States[^1], happened));
            }

            history.AfterEachCommand.Add(history.States[^1]);
        }

        return history;
    }

    private static ICommand<Lead, LeadEvent> CommandOf(Step step, History history)
    {
        if (step is Step.Do asked)
        {
            return asked.Command;
        }

        if (step is Step.Reverse reverse)
        {
            return new ReverseLeadChanges(LeadReversal.Of(Marked(history, at => at % reverse.OneIn == 0)), "unwanted");
        }

        var version = history.Events.Count * ((Step.GoBack)step).Percent / 100;
        return new RestoreLead(history.States[version], version, "earlier was right");
    }

    private static List<HistoryStep> Marked(History history, Func<int, bool> isUnwanted) =>
        [.. history.Events.Select((happened, at) => new HistoryStep(at + 1, happened, isUnwanted(at)))];

    private static bool MayFollow(LeadStatus before, LeadStatus after, LeadEvent happened) =>
        happened is LeadRestored or LeadChangesReversed || (before, after) is
        (LeadStatus.Missing, LeadStatus.New)
        or (LeadStatus.New, LeadStatus.Contacted)
        or (LeadStatus.Contacted, LeadStatus.Qualified)
        or (LeadStatus.Qualified, LeadStatus.Converted)
        or (LeadStatus.Converted, LeadStatus.Qualified)
        or (LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified, LeadStatus.Disqualified)
        or (LeadStatus.Disqualified, LeadStatus.New or LeadStatus.Contacted)
        || before == after;

    private static Gen<Step[]> Steps =>
        from first in Gen.Frequency((9, Gen.Constant<Step>(new Step.Do(new CaptureLead(Ada, null)))), (1, AnyStep))
        from others in Gen.ArrayOf(AnyStep)
        select (Step[])[first, .. others];

    private static Gen<Step> AnyStep => Gen.Frequency(
        (24, AnyCommand.Select(Step (command) => new Step.Do(command))),
        (1, Gen.Constant<Step>(new Step.Do(new EraseLead("Article 17", "the person", PersonTraces.None)))),
        (2, Gen.Choose(0, 100).Select(Step (percent) => new Step.GoBack(percent))),
        (2, Gen.Choose(1, 4).Select(Step (oneIn) => new Step.Reverse(oneIn))));

    private static Gen<Agent> AnyAgent => Gen.Elements(AgentAnna, AgentBoris, InactiveBoris, Nobody);

    private static Gen<LeadDetails> AnyDetails =>
        from lastName in Gen.Elements(null, "Byron", " ")
        from email in Gen.Elements(null, "ada@example.com", "ada")
        from source in Gen.Elements(null, "referral", "unknown", "other")
        from amount in Gen.Elements<decimal?>(null, 0, 999, 1_000, 100_000, -1)
        from company in Gen.Elements(null, "Analytical Engines")
        from externalId in Gen.Elements(null, "173688")
        from tags in Gen.Elements<IReadOnlyList<string>>([], ["b", "a", "b"])
        select LeadDetails.Unknown with
        {
            LastName = lastName,
            Email = email,
            Source = source,
            Company = company,
            ExternalId = externalId,
            Tags = tags,
            Value = amount is { } value ? new Money(value, "EUR") : null,
        };

    private static Gen<ICommand<Lead, LeadEvent>> AnyCommand => Gen.OneOf<ICommand<Lead, LeadEvent>>(
        AnyDetails.Select(ICommand<Lead, LeadEvent> (details) => new CaptureLead(details, null)),
        AnyDetails.Select(ICommand<Lead, LeadEvent> (details) => new ChangeLead
        {
            LastName = details.LastName,
            Email = details.Email,
            Source = details.Source,
            Value = details.Value,
            Company = details.Company,
            ExternalId = details.ExternalId,
            Tags = Change<IReadOnlyList<string>?>.To(details.Tags),
        }),
        AnyAgent.Select(ICommand<Lead, LeadEvent> (agent) => new ChangeLead { Owner = agent }),
        AnyAgent.Select(ICommand<Lead, LeadEvent> (agent) => new AssignLead(agent)),
        AnyAgent.Select(ICommand<Lead, LeadEvent> (agent) => new ClaimLead(agent)),
        Always(new UnassignLead()),
        AnyAgent.Select(ICommand<Lead, LeadEvent> (agent) => new TransferLead(agent, null)),
        Gen.Elements<ICommand<Lead, LeadEvent>>(
            new CompleteAssignment(Anna, false, null),
            new CompleteAssignment(Boris, false, null),
            new CompleteAssignment(Anna, true, null)),
        AnyActivity,
        AnyActivity,
        Always(new AddNote(FirstNote, "text")),
        Gen.Choose(-1, 101).Select(ICommand<Lead, LeadEvent> (score) => new QualifyLead(score)),
        Always(new QualifyLead(null)),
        Always(new DisqualifyLead(null)),
        Always(new ReopenLead(null)),
        Always(new ConvertLead(null, null)),
        Always(new UnconvertLead(null)),
        Always(new ArchiveLead(null)),
        Always(new UnarchiveLead(null)),
        Always(new CorrectCaptureTime(Noon, Noon.AddDays(-1))),
        Always(new ScoreLead()));

    private static Gen<ICommand<Lead, LeadEvent>> AnyActivity =>
        from kind in Gen.Elements(Enum.GetValues<ActivityKind>())
        from direction in Gen.Elements(Enum.GetValues<ActivityDirection>())
        from minutes in Gen.Choose(-10, 1)
        select (ICommand<Lead, LeadEvent>)new LogActivity(FirstActivity, kind, direction, Noon.AddMinutes(minutes), Noon);

    private static Gen<ICommand<Lead, LeadEvent>> Always(ICommand<Lead, LeadEvent> command) => Gen.Constant(command);
}

using Crm.Domain;
using Crm.Domain.Leads;
using Crm.Domain.Users;
using Crm.EventStore.Log;

namespace Crm.Projections.Tests;

/// <summary>A made-up history of many leads, the same for the same seed: every type of event, interleaved, over some weeks.</summary>
public static class GeneratedHistory
{
    private static readonly string?[] Sources = ["referral", "website", "event", null, "unknown"];
    private static readonly string[] Names = ["Müller", "smith", "Smith", "O'Neil", "Ångström", "d_Arc", "50%"];
    private static readonly string[] Tags = ["hot", "vip", "2026", "retail"];

    public static readonly Guid[] Agents = [Story.Id(800_001), Story.Id(800_002), Story.Id(800_003)];

    /// <param name="seed">Which history.</param>
    /// <param name="leads">How many leads.</param>
    /// <param name="events">How many events of leads beyond their captures.</param>
    /// <param name="inOrder">Whether times never run backwards; otherwise one event in eight comes with an earlier time.</param>
    /// <param name="erased">How many of the leads are erased at the end.</param>
    public static IReadOnlyList<RecordedEvent> Of(int seed, int leads, int events, bool inOrder, int erased = 0)
    {
        var random = new Random(seed);
        var story = new Story();
        var states = new Dictionary<Guid, (Lead Lead, DateTimeOffset At)>();
        var clock = Story.Start;
        foreach (var (agent, number) in Agents.Select((agent, number) => (agent, number)))
        {
            story.Then(agent, new UserRegistered($"Agent {number}", $"agent{number}@example.org", Role.Agent, true), clock,
                Envelope.System);
        }

        for (var i = 0; i < leads + events; i++)
        {
            clock = clock.AddTicks(random.NextInt64(TimeSpan.FromMinutes(90).Ticks) / 10 * 10);
            var id = i < leads ? Story.Id(i + 1) : Story.Id(random.Next(leads) + 1);
            if (i % 3 == 2 && states.Count > 0)
            {
                id = Story.Id(random.Next(states.Count) + 1);
            }

            var known = states.TryGetValue(id, out var state);
            var at = inOrder || random.Next(8) != 0 ? clock : clock.AddHours(-random.Next(1, 200));
            LeadEvent happened = known ? Next(random, state.Lead, at) : new LeadCaptured(Details(random), random.Next(101), 1);
            if (!known)
            {
                id = Story.Id(states.Count + 1);
            }

            states[id] = (Lead.Evolve(known ? state.Lead : Lead.Initial, happened), at);
            story.Then(id, happened, at, EnvelopeOf(random));
        }

        story.Then(Agents[0], new UserRenamed("Agent Zero"), clock, Envelope.System);
        for (var lead = 1; lead <= erased; lead++)
        {
            story.Then(Story.Id(lead), new LeadErased("Article 17", "the person"), clock, Envelope.System);
        }

        return story.Events;
    }

    private static Envelope EnvelopeOf(Random random) => random.Next(4) switch
    {
        0 => Envelope.System,
        1 => new Envelope(null, OperationId: $"op-{random.Next(3)}"),
        _ => new Envelope(Agents[random.Next(Agents.Length)].ToString("D"), CorrelationId: $"c{random.Next(100)}",
            Reason: random.Next(2) == 0 ? "because" : null),
    };

    private static LeadEvent Next(Random random, Lead lead, DateTimeOffset at)
    {
        if (random.Next(3) == 0)
        {
            return lead.Status switch
            {
                LeadStatus.New => new LeadContacted(),
                LeadStatus.Contacted => random.Next(3) == 0
                    ? new LeadDisqualified("no budget")
                    : new LeadQualified(random.Next(2) == 0 ? null : random.Next(101)),
                LeadStatus.Qualified => random.Next(3) == 0
                    ? new LeadDisqualified(null)
                    : new LeadConverted(new ConvertedOpportunity("Big", new Money(5, "EUR"), null), new ConvertedCustomer("Ada Ltd")),
                LeadStatus.Converted => new LeadUnconverted("mistake"),
                LeadStatus.Disqualified => new LeadReopened("again"),
                LeadStatus.Missing => throw new InvalidOperationException("A lead begins by its capture."),
            };
        }

        return random.Next(17) switch
        {
            0 => new LeadContactDetailsChanged("Zoë", Names[random.Next(Names.Length)], $"z{random.Next(99)}@example.org", null),
            1 => new LeadCompanyChanged(random.Next(3) == 0 ? null : $"Company {random.Next(20)}"),
            2 => new LeadValueChanged(Value(random)),
            3 => new LeadSourceChanged(Sources[random.Next(Sources.Length)]),
            4 => new LeadTagsChanged([.. Tags.Where(_ => random.Next(2) == 0).Order(StringComparer.Ordinal)]),
            5 => new LeadExternalIdChanged($"x{random.Next()}"),
            6 => new LeadAssigned(Agents[random.Next(Agents.Length)]),
            7 => new LeadClaimed(Agents[random.Next(Agents.Length)]),
            8 => lead.OwnerId is null ? new LeadNoteAdded(Guid.CreateVersion7(at), "A note") : new LeadUnassigned(),
            9 => lead.OwnerId is null
                ? new LeadNoteAdded(Guid.CreateVersion7(at), "A note")
                : new LeadTransferred(Agents[random.Next(Agents.Length)], "holiday"),
            10 => new LeadAssignmentCompleted("done"),
            11 => lead.IsArchived ? new LeadUnarchived("back") : new LeadArchived("old"),
            12 => new LeadScoreChanged(random.Next(101), 1),
            13 => new LeadRestored(1, Details(random), (LeadStatus)random.Next(1, 6), Agents[0], true, random.Next(3) == 0,
                random.Next(101), 1, false, "restored"),
            14 => new LeadChangesReversed([2], Details(random), (LeadStatus)random.Next(1, 6), Agents[1], random.Next(2) == 0, random.Next(3) == 0,
                random.Next(101), 1, false, "unwanted"),
            15 => new LeadCaptureTimeCorrected(at.AddDays(-1)),
            _ => new LeadActivityLogged(
                Guid.CreateVersion7(at), (ActivityKind)random.Next(5), (ActivityDirection)random.Next(2),
                at.AddTicks(-random.Next(1_000_000) * 10L), "Hi", null, 60, null),
        };
    }

    private static Money? Value(Random random) =>
        random.Next(4) == 0 ? null : new Money(random.Next(1, 100_000) / 100m, random.Next(3) == 0 ? "USD" : "EUR");

    private static LeadDetails Details(Random random) => new(
        random.Next(2) == 0 ? "Ada" : null,
        random.Next(4) == 0 ? null : Names[random.Next(Names.Length)],
        $"lead{random.Next(1000)}@example.org",
        random.Next(2) == 0 ? "+49 30 1234" : null,
        random.Next(3) == 0 ? null : $"Company {random.Next(20)}",
        Sources[random.Next(Sources.Length)],
        Value(random),
        [.. Tags.Where(_ => random.Next(3) == 0).Order(StringComparer.Ordinal)],
        $"e{random.Next()}");
}

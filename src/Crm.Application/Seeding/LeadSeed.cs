using System.Diagnostics;
using System.Globalization;
using Crm.Application.Import;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.Domain.Users;
using Crm.EventStore.Log;

namespace Crm.Application.Seeding;

/// <summary>What a seeding came to.</summary>
/// <param name="Leads">Leads that are there under this seed now.</param>
/// <param name="AddedLeads">Leads that this run added.</param>
/// <param name="AddedEvents">Events that this run added.</param>
/// <param name="Seconds">How long it took.</param>
public sealed record SeedReport(long Leads, long AddedLeads, long AddedEvents, double Seconds)
{
    /// <summary>Events added per second.</summary>
    public double EventsPerSecond => Seconds > 0 ? Math.Round(AddedEvents / Seconds) : 0;
}

/// <summary>
/// Fills the log with invented leads and their lives, for demonstrations and measurements. The same seed gives the same leads; a larger
/// number adds the missing ones; an interrupted run goes on where it stopped.
/// </summary>
public static class LeadSeed
{
    private const int LeadsPerAppend = 500;
    private const int AgentCount = 24;
    private const string Scope = "seed";

    /// <summary>Seeds up to a number of leads.</summary>
    /// <param name="log">The log.</param>
    /// <param name="leads">How many leads there shall be under this seed.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="now">The time before which everything happened; of the first run under the seed, which is remembered.</param>
    /// <param name="progress">Told how many leads there are; null for nobody.</param>
    /// <param name="ct">Stops it; what is there stays.</param>
    public static async Task<SeedReport> To(
        EventLog log, int leads, int seed, DateTimeOffset now, IProgress<long>? progress, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        var key = seed.ToString(CultureInfo.InvariantCulture);
        var (before, until) = await log.ReadBookmark(Scope, key, ct) is { } stored ? Read(stored) : (0, now);
        var (done, events) = (before, 0L);
        var agents = Enumerable.Range(1, AgentCount)
            .Select(number => DerivedId.Of("seed-agent", key, number.ToString(CultureInfo.InvariantCulture))).ToList();
        Task<AppendOutcome>? underWay = null;
        while (done < leads)
        {
            ct.ThrowIfCancellationRequested();
            var next = Math.Min(leads, done + LeadsPerAppend);
            var command = Append(done, next);
            await Settled(underWay);
            underWay = log.Append(command, CancellationToken.None);
            events += command.Streams.Sum(static stream => (long)stream.Events.Count);
            progress?.Report(done);
            done = next;
        }

        await Settled(underWay);
        progress?.Report(done);
        return new SeedReport(done, done - before, events, clock.Elapsed.TotalSeconds);

        AppendCommand Append(int after, int upTo)
        {
            var streams = new List<StreamAppend>(upTo - after + AgentCount);
            var claims = new List<UniqueKey>(upTo - after);
            if (after == 0)
            {
                streams.AddRange(agents.Select((agent, index) => Registered(agent, index + 1, until)));
            }

            for (var number = after + 1; number <= upTo; number++)
            {
                var life = LeadLife.Draw(seed, number, until, agents);
                var id = DerivedId.Of("seed-lead", life.ExternalId);
                streams.Add(new StreamAppend(id, Lead.Aggregate.StreamType, 0, [.. life.Events.Select((each, index) => new NewEvent(
                    DerivedId.Of("seed-event", life.ExternalId, index.ToString(CultureInfo.InvariantCulture)), each.Happened, each.At))]));
                claims.Add(new UniqueKey(LeadStream.ExternalIdScope, life.ExternalId, id));
            }

            return new AppendCommand(streams, Envelope.System with { OperationId = DerivedId.Of("seed", key).ToString() })
            {
                Claims = claims,
                Bookmark = new Bookmark(Scope, key, string.Create(CultureInfo.InvariantCulture, $"{upTo} {until:O}")),
            };
        }
    }

    private static StreamAppend Registered(Guid agent, int number, DateTimeOffset until) => new(agent, User.Aggregate.StreamType, 0,
    [
        new NewEvent(
            DerivedId.Of("seed-registered", agent.ToString()),
            new UserRegistered(string.Create(CultureInfo.InvariantCulture, $"Agent {number}"), Email: null, Role.Agent, IsActive: true),
            until.AddDays(-3 * 365)),
    ]);

    private static async Task Settled(Task<AppendOutcome>? underWay)
    {
        if (underWay is not null && await underWay is not AppendOutcome.Appended)
        {
            throw new ImportRefusedException($"Another seeding is under way, or leads of this seed are there already: {await underWay}.");
        }
    }

    private static (int Done, DateTimeOffset Until) Read(string stored)
    {
        var parts = stored.Split(' ');
        return (
            int.Parse(parts[0], CultureInfo.InvariantCulture),
            DateTimeOffset.Parse(parts[1], CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind));
    }
}

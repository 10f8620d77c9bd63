using Crm.Domain.Users;
using Crm.EventStore.Log;

namespace Crm.Benchmarks;

/// <summary>Fills a log through its own append, many streams at a time.</summary>
public static class BulkLoad
{
    private const int StreamsAtOnce = 250;

    private static readonly Envelope Loader = new("system", Reason: "benchmark");

    /// <summary>Registers the agents who own the leads.</summary>
    public static Task Agents(EventLog log, CancellationToken ct) => Append(
        log,
        LeadLives.Agents.Select((id, number) => new StreamAppend(
            id, "user", 0, [EventOf(new UserRegistered($"Agent {number}", Email: null, Role.Agent, IsActive: false),
                LeadLives.CapturedAt(0, 1))])),
        ct);

    /// <summary>Appends leads, each with the first events of its life.</summary>
    /// <param name="log">The log.</param>
    /// <param name="from">The first lead's number.</param>
    /// <param name="count">How many leads.</param>
    /// <param name="lengthOf">How many events each has.</param>
    /// <param name="leads">How many leads the whole population has: over so many their times are spread.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<long> Leads(EventLog log, int from, int count, Func<int, int> lengthOf, int leads, CancellationToken ct)
    {
        var events = 0L;
        using var inFlight = new SemaphoreSlim(4);
        var running = new List<Task>();
        foreach (var chunk in Enumerable.Range(from, count).Chunk(StreamsAtOnce))
        {
            await inFlight.WaitAsync(ct);
            running.RemoveAll(static done => done.IsCompletedSuccessfully);
            var streams = chunk.Select(lead => StreamOf(lead, leads, lengthOf(lead))).ToList();
            events += streams.Sum(static stream => stream.Events.Count);
            running.Add(Task.Run(
                async () =>
                {
                    try
                    {
                        await Append(log, streams, ct);
                    }
                    finally
                    {
                        inFlight.Release();
                    }
                },
                ct));
        }

        await Task.WhenAll(running);
        return events;
    }

    private static StreamAppend StreamOf(int lead, int leads, int length) => new(
        LeadLives.LeadId(lead), "lead", 0, [.. LeadLives.Life(lead, leads, length).Select(static each => EventOf(each.Event, each.At))]);

    private static NewEvent EventOf(object data, DateTimeOffset at) => new(Guid.CreateVersion7(at), data, at);

    private static async Task Append(EventLog log, IEnumerable<StreamAppend> streams, CancellationToken ct)
    {
        var outcome = await log.Append(new AppendCommand([.. streams], Loader), ct);
        if (outcome is not AppendOutcome.Appended)
        {
            throw new InvalidOperationException($"A bulk append ended as {outcome}.");
        }
    }
}

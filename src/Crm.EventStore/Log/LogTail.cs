namespace Crm.EventStore.Log;

/// <summary>
/// The newest events, decoded once and shared by all that follow the log on this host, so that nine projections at its end cost one read
/// of the database. What is older comes from the log itself. An event that erases a stream empties it: what it holds was decoded before.
/// </summary>
/// <param name="log">The log.</param>
/// <param name="capacity">At most so many events are kept.</param>
public sealed class LogTail(EventLog log, int capacity = 20_000)
{
    private const int ReadSize = 2_000;

    private readonly Lock gate = new();
    private readonly RecordedEvent?[] ring = new RecordedEvent?[capacity];
    private Task<long>? reading;
    private long first = 1;
    private long last;

    /// <summary>
    /// The events after a position in order, at most so many; checked to be without a hole, as the log's own answer is. They may read as
    /// they did a moment ago: for whoever follows to the end, and there meets the erasure.
    /// </summary>
    /// <exception cref="LogCorruptException">A position is missing, or an event cannot be read.</exception>
    public Task<IReadOnlyList<RecordedEvent>> ReadAfter(long after, int limit, CancellationToken ct) => Read(after, limit, settled: 0, ct);

    /// <summary>The same, as the events read now: after every erasure that this host knows of. For answers to others.</summary>
    /// <exception cref="LogCorruptException">A position is missing, or an event cannot be read.</exception>
    public Task<IReadOnlyList<RecordedEvent>> ReadSettledAfter(long after, int limit, CancellationToken ct) =>
        Read(after, limit, settled: log.Position.Known, ct);

    private async Task<IReadOnlyList<RecordedEvent>> Read(long after, int limit, long settled, CancellationToken ct)
    {
        while (true)
        {
            Task<long> read;
            bool own;
            long end;
            lock (gate)
            {
                if (after > last)
                {
                    // Somebody begins nearer to the end than what is kept: the ring goes where the end is.
                    Array.Clear(ring);
                    (first, last, reading) = (after + 1, after, null);
                }

                if (after < last && after >= first - 1 && settled <= last)
                {
                    return Copy(after, (int)Math.Min(limit, last - after));
                }

                if (after < first - 1)
                {
                    break;
                }

                own = reading is null or { IsCompleted: true };
                end = last;
                read = reading = own ? Extend(end) : reading!; // not null: it is somebody's read that is still under way
            }

            var reached = await read.WaitAsync(ct);
            if (reached <= end && own)
            {
                if (end <= after)
                {
                    return [];
                }

                settled = 0; // there is no more to know
            }

            // A read that somebody else began may have looked before the event was there that this caller knows of: then once more.
        }

        return await log.ReadAfter(after, limit, ct);
    }

    // Not with a caller's token: others wait for the same read. The database's own timeouts bound it.
    private async Task<long> Extend(long after)
    {
        await Task.Yield();
        var events = await log.ReadAfter(after, ReadSize, CancellationToken.None);
        lock (gate)
        {
            if (last == after)
            {
                if (events.Any(recorded => log.Catalog.Erases(recorded.Type)))
                {
                    Array.Clear(ring);
                    first = after + 1;
                }

                foreach (var recorded in events)
                {
                    ring[recorded.Position % capacity] = recorded;
                }

                last += events.Count;
                first = Math.Max(first, last - capacity + 1);
            }
        }

        return after + events.Count;
    }

    private RecordedEvent[] Copy(long after, int count)
    {
        var events = new RecordedEvent[count];
        for (var place = 0; place < count; place++)
        {
            // Not null: every place between first and last is filled.
            events[place] = ring[(after + 1 + place) % capacity]!;
        }

        return events;
    }
}

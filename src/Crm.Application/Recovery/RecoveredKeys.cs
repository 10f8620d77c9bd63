using Crm.EventStore.Log;

namespace Crm.Application.Recovery;

/// <summary>
/// The unique keys that streams held when their last event was what it is in a recovered log: asked of the very folds that claim them, so
/// that a recovered log refuses exactly what the first one would. For kinds of which there are few streams, and for few of the others.
/// </summary>
internal static class RecoveredKeys
{
    private const int StreamsAtOnce = 500;

    /// <summary>The keys of all streams of a kind.</summary>
    public static async Task<IReadOnlyList<UniqueKey>> Of<TState, TEvent>(
        EventLog log, StreamKind<TState, TEvent> kind, CancellationToken ct)
        where TEvent : class
    {
        var keys = new List<UniqueKey>();
        var after = Guid.Empty;
        while (await log.ListStreams(kind.Aggregate.StreamType, after, StreamsAtOnce, ct) is { Count: > 0 } streams)
        {
            await Fold(log, kind, [.. streams], keys, ct);
            after = streams[^1];
        }

        return keys;
    }

    /// <summary>The keys of some streams of a kind.</summary>
    public static async Task<IReadOnlyList<UniqueKey>> Of<TState, TEvent>(
        EventLog log, StreamKind<TState, TEvent> kind, IReadOnlyList<Guid> streams, CancellationToken ct)
        where TEvent : class
    {
        var keys = new List<UniqueKey>();
        foreach (var some in streams.Chunk(StreamsAtOnce))
        {
            await Fold(log, kind, some, keys, ct);
        }

        return keys;
    }

    private static async Task Fold<TState, TEvent>(
        EventLog log, StreamKind<TState, TEvent> kind, Guid[] streams, List<UniqueKey> keys, CancellationToken ct)
        where TEvent : class
    {
        foreach (var stream in (await log.ReadStreams(streams, ct)).GroupBy(static recorded => recorded.StreamId))
        {
            keys.AddRange(kind.Keys(stream.Key, kind.Aggregate.Fold(stream.Select(static recorded => recorded.Data).OfType<TEvent>())));
        }
    }
}

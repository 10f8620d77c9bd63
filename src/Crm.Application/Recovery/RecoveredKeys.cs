using Crm.EventStore.Log;
using Npgsql;

namespace Crm.Application.Recovery;

/// <summary>
/// The unique keys that streams held when their last event was what it is in a recovered log: asked of the very folds that claim them, so
/// that a recovered log refuses exactly what the first one would. For kinds of which there are few streams.
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
            foreach (var stream in (await log.ReadStreams([.. streams], ct)).GroupBy(static recorded => recorded.StreamId))
            {
                keys.AddRange(kind.Keys(stream.Key, kind.Aggregate.Fold(stream.Select(static recorded => recorded.Data).OfType<TEvent>())));
            }

            after = streams[^1];
        }

        return keys;
    }

    /// <summary>
    /// Claims the external ids that leads hold: leads are many, and the board, which has just been folded from the same events, has them.
    /// </summary>
    public static async Task ClaimExternalIds(NpgsqlDataSource owner, CancellationToken ct)
    {
        await using var to = await owner.OpenConnectionAsync(ct);
        await LongWork.Run(
            to,
            """
            set statement_timeout = 0;
            insert into crm.unique_keys (scope, key, stream_id)
            select 'lead-external-id', external_id, lead_id from crm_read.lead_board where external_id is not null
            on conflict (scope, key) do nothing;
            analyze crm.unique_keys
            """,
            ct);
    }
}

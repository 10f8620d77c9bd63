using System.Collections.Frozen;
using Crm.EventStore.Log;
using Crm.EventStore.Sealing;
using Npgsql;
using static System.FormattableString;

namespace Crm.EventStore.Projections;

/// <summary>
/// Reads the log for rebuilds stream by stream, by <c>COPY</c> in the binary format: the whole of a log goes through here, and a query's
/// reader costs twice as much for each event.
/// </summary>
internal sealed class LogPages(NpgsqlDataSource database, EventCatalog catalog, MasterKeys masters)
{
    /// <summary>The next events in the order of streams and versions; its places are settings of the session.</summary>
    internal const string Select =
        $"""
        select {StoredEvent.Columns} from crm.mt_events e
        where (stream_id, version) > (current_setting('crm.stream')::uuid, current_setting('crm.version')::bigint)
          and seq_id <= current_setting('crm.upto')::bigint
        order by stream_id, version
        """;

    private const int EventColumns = 10;

    private readonly FrozenDictionary<string, string> names =
        catalog.Entries.ToFrozenDictionary(static entry => entry.Name, static entry => entry.Name, StringComparer.Ordinal);

    /// <summary>
    /// The next events in the order of streams and versions, none beyond a position; less than a whole page is the last one. An event that
    /// cannot be read stands in it as an <see cref="UnreadableEvent"/>.
    /// </summary>
    /// <remarks>A page does not show a hole in the positions: what all pages bring has to be counted.</remarks>
    /// <param name="after">Where the page before ended.</param>
    /// <param name="upTo">The last position that is read.</param>
    /// <param name="size">How many events a page holds.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<IReadOnlyList<RecordedEvent>> Read(LogPlace after, long upTo, int size, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await Prepare(connection, after, upTo, ct);
        using var decoder = new EventDecoder(catalog, names, masters);
        var events = new List<RecordedEvent>(size);
        using var held = new HeldRows(EventColumns);
        var places = new List<int>();
        var sql = Invariant($"copy ({Select} limit {size}) to stdout (format binary)");
        await using (var copy = await connection.BeginRawBinaryCopyAsync(sql, ct))
        {
            try
            {
                var rows = new CopyRows(copy);
                while (await rows.Next(ct))
                {
                    if (!EventDecoder.NeedsKey(rows.Current))
                    {
                        events.Add(decoder.Decode(rows.Current, SubjectKey.None));
                        continue;
                    }

                    held.Add(rows.Current);
                    places.Add(events.Count);
                    events.Add(null!); // its place: filled below
                }
            }
            catch
            {
                await copy.CancelAsync();
                throw;
            }
        }

        await Fill(events, held, places, decoder, connection, ct);
        return events;
    }

    // The keys once for each stream of the page, after its events: a join would bring them with each event, and look for them each time.
    private static async Task Fill(
        List<RecordedEvent> events, HeldRows held, List<int> places, EventDecoder decoder, NpgsqlConnection connection,
        CancellationToken ct)
    {
        if (held.Count == 0)
        {
            return;
        }

        var streams = new HashSet<Guid>();
        for (var index = 0; index < held.Count; index++)
        {
            streams.Add(EventDecoder.StreamOf(held[index]));
        }

        var keys = await SubjectKeys.Of(connection, streams, ct);
        for (var index = 0; index < held.Count; index++)
        {
            events[places[index]] = decoder.Decode(
                held[index], keys.GetValueOrDefault(EventDecoder.StreamOf(held[index])) ?? SubjectKey.None);
        }
    }

    // COPY takes no parameters.
    private static async Task Prepare(NpgsqlConnection connection, LogPlace after, long upTo, CancellationToken ct)
    {
        await using var set = new NpgsqlCommand(
            "select set_config('crm.stream', $1, false), set_config('crm.version', $2, false), set_config('crm.upto', $3, false)",
            connection);
        foreach (var value in (string[])[after.Stream.ToString(), Invariant($"{after.Version}"), Invariant($"{upTo}")])
        {
            set.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value });
        }

        await set.ExecuteNonQueryAsync(ct);
    }
}

/// <summary>A place in the log as it lies in the order of streams and versions.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Version">The version that was reached in it.</param>
internal readonly record struct LogPlace(Guid Stream, long Version)
{
    /// <summary>Before the first event of the first stream.</summary>
    public static LogPlace Beginning { get; } = new(Guid.Empty, 0);
}

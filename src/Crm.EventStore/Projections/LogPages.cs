using System.Collections.Frozen;
using System.Globalization;
using Crm.EventStore.Log;
using Crm.EventStore.Sealing;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>
/// Reads long stretches of the log for rebuilds, by <c>COPY</c> in the binary format: the whole of a log goes through here, and a query's
/// reader costs twice as much for each event.
/// </summary>
internal sealed class LogPages(NpgsqlDataSource database, EventCatalog catalog, MasterKeys masters)
{
    private const string Sql =
        $"""
        copy (select {StoredEvent.Columns} from crm.mt_events e
              where seq_id > current_setting('crm.after')::bigint and seq_id <= current_setting('crm.upto')::bigint order by seq_id)
        to stdout (format binary)
        """;

    // By the hash of the stream's id: pass by pass, each stream belongs to one share.
    private const string ShareSql =
        $"""
        copy (select {StoredEvent.Columns} from crm.mt_events e
              where seq_id > current_setting('crm.after')::bigint and seq_id <= current_setting('crm.upto')::bigint
                and (uuid_hash(stream_id) & 1073741823) % current_setting('crm.shares')::int = current_setting('crm.share')::int
              order by seq_id)
        to stdout (format binary)
        """;

    private const int EventColumns = 10;

    private readonly FrozenDictionary<string, string> names =
        catalog.Entries.ToFrozenDictionary(static entry => entry.Name, static entry => entry.Name, StringComparer.Ordinal);

    /// <summary>
    /// The events after one position and up to another of one share of the streams, in order. An event that cannot be read stands in it as
    /// an <see cref="UnreadableEvent"/>.
    /// </summary>
    /// <exception cref="LogCorruptException">
    /// A position is missing. A share alone does not show a hole: what all shares bring has to be counted.
    /// </exception>
    public async Task<IReadOnlyList<RecordedEvent>> Read(long after, long to, int shares, int share, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await Prepare(connection, after, to, shares, share, ct);
        using var decoder = new EventDecoder(catalog, names, masters);
        var events = new List<RecordedEvent>((int)(to - after) / shares);
        var held = new HeldRows(EventColumns);
        var places = new List<int>();
        await using (var copy = await connection.BeginRawBinaryCopyAsync(shares == 1 ? Sql : ShareSql, ct))
        {
            try
            {
                var rows = new CopyRows(copy);
                while (await rows.Next(ct))
                {
                    if (shares == 1 && EventDecoder.PositionOf(rows.Current) is var position && position != after + events.Count + 1)
                    {
                        throw new LogCorruptException(
                            $"The log has a hole: position {after + events.Count + 1} is missing; the next one is {position}.");
                    }

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
    private static async Task Prepare(NpgsqlConnection connection, long after, long to, int shares, int share, CancellationToken ct)
    {
        await using var set = new NpgsqlCommand(
            """
            select set_config('crm.after', $1, false), set_config('crm.upto', $2, false),
                   set_config('crm.shares', $3, false), set_config('crm.share', $4, false)
            """,
            connection);
        foreach (var value in (long[])[after, to, shares, share])
        {
            set.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value.ToString(CultureInfo.InvariantCulture) });
        }

        await set.ExecuteNonQueryAsync(ct);
    }
}

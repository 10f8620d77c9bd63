using Crm.EventStore.Log;
using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Sealing;

/// <summary>Reads the keys of streams from the database.</summary>
internal static class SubjectKeys
{
    /// <summary>The columns of a key beside an event's where <see cref="Join"/> stands in the query, as <see cref="Read"/> takes them.</summary>
    public const string Columns = "k.wrapped, k.master_key";

    /// <summary>
    /// Joins the keys to the events <c>e</c>. By the primary key for each event, whatever the planner thinks of the number of keys: a scan
    /// of all of them for a few events is never meant.
    /// </summary>
    public const string Join =
        """
        left join lateral (
            select s.wrapped, s.master_key from crm.subject_keys s where s.stream_id = e.stream_id offset 0) k on true
        """;

    private const string OfStreams = "select stream_id, wrapped, master_key from crm.subject_keys where stream_id = any($1)";

    /// <summary>The key in two columns of a row, from this one on.</summary>
    public static SubjectKey Read(NpgsqlDataReader row, int column) => SubjectKey.Of(
        row.IsDBNull(column) ? null : row.GetFieldValue<byte[]>(column), row.IsDBNull(column + 1) ? null : row.GetString(column + 1));

    /// <summary>The keys of streams; those that have none are not among them.</summary>
    public static async Task<Dictionary<Guid, SubjectKey>> Of(
        NpgsqlConnection connection, IReadOnlyCollection<Guid> streams, CancellationToken ct)
    {
        await using var find = new NpgsqlCommand(OfStreams, connection);
        find.Parameters.Add(new NpgsqlParameter { Value = streams.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
        var keys = new Dictionary<Guid, SubjectKey>(streams.Count);
        await using var row = await find.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            keys.Add(row.GetGuid(0), Read(row, 1));
        }

        return keys;
    }

    /// <summary>The streams of a command whose keys it needs and does not bring; null when there are none.</summary>
    public static List<Guid>? Unknown(AppendCommand command, EventCatalog catalog)
    {
        List<Guid>? unknown = null;
        foreach (var stream in command.Streams)
        {
            if (stream is { ExpectedVersion: > 0, Key: null } && MaySeal(stream, command.Envelope, catalog))
            {
                (unknown ??= []).Add(stream.StreamId);
            }
        }

        return unknown;
    }

    private static bool MaySeal(StreamAppend stream, Envelope envelope, EventCatalog catalog)
    {
        foreach (var happened in stream.Events)
        {
            if (catalog.Of(happened.Data).Personal is not null
                || ((happened.Envelope ?? envelope).Reason is not null && catalog.Seals(stream.StreamType)))
            {
                return true;
            }
        }

        return false;
    }
}

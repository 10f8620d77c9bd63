using Crm.EventStore.Sealing;
using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>
/// The log's queries. Each reaches its rows by one of the two indexes of <c>mt_events</c>, or by a primary key of ours; their text stands
/// in <c>LogReader.Sql.cs</c>.
/// </summary>
internal sealed partial class LogReader(NpgsqlDataSource database, EventCatalog catalog, MasterKeys masters)
{
    public Task<List<RecordedEvent>> ReadStream(Guid stream, long from, long to, CancellationToken ct) =>
        Run(StreamSql, ReadEvents, ct, stream, from, to);

    public Task<List<RecordedEvent>> ReadStreamAsStored(Guid stream, CancellationToken ct) =>
        Run(StreamSql, ReadEventsAsStored, ct, stream, 1L, long.MaxValue);

    /// <summary>A stream whose key is lost, as if it had been destroyed.</summary>
    public Task<List<RecordedEvent>> ReadStreamWithoutKey(Guid stream, CancellationToken ct) => Run(
        StreamSql, ReadEventsWithoutKey, ct, stream, 1L, long.MaxValue);

    public Task<List<RecordedEvent>> ReadStreamAsOf(Guid stream, DateTimeOffset asOf, CancellationToken ct) =>
        Run(StreamAsOfSql, ReadEvents, ct, stream, asOf.UtcDateTime);

    public Task<List<RecordedEvent>> ReadStreamUpTo(Guid stream, long position, CancellationToken ct) =>
        Run(StreamUpToSql, ReadEvents, ct, stream, position);

    public async Task<List<RecordedEvent>> ReadAfter(long after, int limit, CancellationToken ct)
    {
        var events = await Run(AfterSql, ReadEventsAsStored, ct, after, limit);
        for (var place = 0; place < events.Count; place++)
        {
            if (events[place].Position != after + place + 1)
            {
                throw new LogCorruptException(
                    $"The log has a hole: position {after + place + 1} is missing; the next one is {events[place].Position}.");
            }
        }

        return events;
    }

    public Task<long?> FirstHole(CancellationToken ct) => Run(FirstHoleSql, ReadOne<long?>, ct);

    public Task<long> CountStreams(CancellationToken ct) => Run("select count(*) from crm.mt_streams", ReadOne<long>, ct);

    public Task<long> CountErased(CancellationToken ct) =>
        Run("select count(*) from crm.subject_keys where destroyed_at is not null", ReadOne<long>, ct);

    public Task<long> LastPosition(CancellationToken ct) => Run(LastSql, ReadOne<long>, ct);

    public async Task<long> PositionAt(DateTimeOffset recordedAt, CancellationToken ct) =>
        await Run(PositionAtSql, ReadOne<long?>, ct, recordedAt.UtcDateTime)
            ?? throw new LogCorruptException("The log has a hole: the search for a time met a position that is missing.");

    public Task<List<UniqueKey>> HeldBy(Guid stream, CancellationToken ct) => Run(HeldSql, ReadKeys, ct, stream);

    public Task<Guid?> FindHolder(string scope, string key, CancellationToken ct) => Run(HolderSql, ReadOne<Guid?>, ct, scope, key);

    public Task<List<RecordedEvent>> ReadStreams(Guid[] streams, CancellationToken ct) => Run(StreamsSql, ReadEvents, ct, streams);

    public Task<List<RecordedEvent>> ReadStreamsAsStored(Guid[] streams, CancellationToken ct) =>
        Run(StreamsSql, ReadEventsAsStored, ct, streams);

    public Task<List<Guid>> ListStreams(string type, Guid after, int limit, CancellationToken ct) => Run(
        StreamIdsSql,
        async (reader, token) =>
        {
            var ids = new List<Guid>();
            while (await reader.ReadAsync(token))
            {
                ids.Add(reader.GetGuid(0));
            }

            return ids;
        },
        ct,
        type,
        after,
        limit);

    public Task<Dictionary<string, Guid>> FindHolders(string scope, string[] keys, CancellationToken ct) => Run(
        HoldersSql,
        async (reader, token) =>
        {
            var holders = new Dictionary<string, Guid>(StringComparer.Ordinal);
            while (await reader.ReadAsync(token))
            {
                holders.Add(reader.GetString(0), reader.GetGuid(1));
            }

            return holders;
        },
        ct,
        scope,
        keys);

    public Task<string?> ReadBookmark(string scope, string key, CancellationToken ct) => Run(BookmarkSql, ReadOne<string?>, ct, scope, key);

    public Task<StoredReceipt?> FindReceipt(string caller, string key, CancellationToken ct) => Run(
        ReceiptSql,
        async (reader, token) => await reader.ReadAsync(token)
            ? new StoredReceipt(
                new Receipt(
                    caller,
                    key,
                    reader.GetFieldValue<byte[]>(0),
                    reader.GetInt32(1),
                    reader.IsDBNull(2) ? null : reader.GetGuid(2),
                    reader.GetInt64(3),
                    reader.GetFieldValue<string[]>(4),
                    reader.IsDBNull(5) ? null : reader.GetString(5)),
                reader.GetInt64(6),
                reader.GetFieldValue<DateTimeOffset>(7))
            : null,
        ct,
        caller,
        key);

    /// <summary>Where an event with this id stands at this place of its stream; null when it does not.</summary>
    public Task<AppendOutcome.Appended?> FindAppended(Guid stream, long version, Guid id, CancellationToken ct) => Run(
        "select seq_id, (headers ->> 'recordedAt')::timestamptz from crm.mt_events where stream_id = $1 and version = $2 and id = $3",
        async (reader, token) => await reader.ReadAsync(token)
            ? new AppendOutcome.Appended(reader.GetInt64(0), reader.GetFieldValue<DateTimeOffset>(1))
            : null,
        ct,
        stream,
        version,
        id);

    /// <summary>The keys of streams; those that have none are not among them.</summary>
    public async Task<Dictionary<Guid, SubjectKey>> FindKeys(IReadOnlyCollection<Guid> streams, CancellationToken ct)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync(ct);
            return await SubjectKeys.Of(connection, streams, ct);
        }
        catch (Exception lost) when (AppendFault.IsUnavailable(lost))
        {
            throw LogUnavailableException.OnReading(lost);
        }
    }

    public async Task<int> PruneReceipts(DateTimeOffset olderThan, CancellationToken ct)
    {
        await using var command = database.CreateCommand("delete from crm.receipts where recorded_at < $1");
        command.Parameters.Add(new() { Value = olderThan.UtcDateTime });
        return await command.ExecuteNonQueryAsync(ct);
    }

    private static async Task<List<UniqueKey>> ReadKeys(NpgsqlDataReader reader, CancellationToken ct)
    {
        var held = new List<UniqueKey>();
        while (await reader.ReadAsync(ct))
        {
            held.Add(new UniqueKey(reader.GetString(0), reader.GetString(1), reader.GetGuid(2)));
        }

        return held;
    }

    private Task<List<RecordedEvent>> ReadEvents(NpgsqlDataReader reader, CancellationToken ct) =>
        ReadAll(reader, (stored, opening) => stored.Decode(catalog, opening), ct);

    private Task<List<RecordedEvent>> ReadEventsAsStored(NpgsqlDataReader reader, CancellationToken ct) =>
        ReadAll(reader, (stored, opening) => stored.DecodeOrSayWhyNot(catalog, opening), ct);

    private Task<List<RecordedEvent>> ReadEventsWithoutKey(NpgsqlDataReader reader, CancellationToken ct) =>
        ReadAll(reader, (stored, opening) => (stored with { Key = SubjectKey.Destroyed }).Decode(catalog, opening), ct);

    private async Task<List<RecordedEvent>> ReadAll(
        NpgsqlDataReader reader, Func<StoredEvent, EventOpening, RecordedEvent> decode, CancellationToken ct)
    {
        using var opening = new EventOpening(catalog, masters);
        var events = new List<RecordedEvent>();
        while (await reader.ReadAsync(ct))
        {
            events.Add(decode(StoredEvent.Read(reader), opening));
        }

        return events;
    }

    private static async Task<T?> ReadOne<T>(NpgsqlDataReader reader, CancellationToken ct) =>
        await reader.ReadAsync(ct) && !reader.IsDBNull(0) ? reader.GetFieldValue<T>(0) : default;

    // Once more on another connection: after the database has been away, a pool still holds connections that are dead.
    private async Task<T> Run<T>(
        string sql, Func<NpgsqlDataReader, CancellationToken, Task<T>> read, CancellationToken ct, params object[] values)
    {
        try
        {
            return await RunOnce(sql, read, values, ct);
        }
        catch (Exception lost) when (AppendFault.IsUnavailable(lost))
        {
            try
            {
                return await RunOnce(sql, read, values, ct);
            }
            catch (Exception again) when (AppendFault.IsUnavailable(again))
            {
                throw LogUnavailableException.OnReading(again);
            }
        }
    }

    private async Task<T> RunOnce<T>(
        string sql, Func<NpgsqlDataReader, CancellationToken, Task<T>> read, object[] values, CancellationToken ct)
    {
        await using var command = database.CreateCommand(sql);
        foreach (var value in values)
        {
            command.Parameters.Add(new() { Value = value });
        }

        await using var reader = await command.ExecuteReaderAsync(ct);
        return await read(reader, ct);
    }
}

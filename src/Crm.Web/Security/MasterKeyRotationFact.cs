using Crm.Domain.Access;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Npgsql;

namespace Crm.Web.Security;

/// <summary>
/// Records that a master key was rotated: once, when nothing needs the old key any more, however often the rotation was interrupted. The
/// fact's stream is chosen when the rotation begins and kept until the old key has retired, so that a second append finds the first.
/// </summary>
internal sealed class MasterKeyRotationFact(NpgsqlDataSource database, EventLog log, TimeProvider clock)
{
    /// <summary>
    /// The scope of the bookmarks of a rotation under way: by the old key's id, and with <c>/streams</c> how many streams it had.
    /// </summary>
    public const string Scope = "master-key-rotation";

    private static readonly Envelope envelope = Envelope.System with { Reason = "crm keys rotate --to" };

    /// <summary>
    /// Notes of every key that still seals, apart from the new one, that it is being rotated; a key without a record, too, where a restored
    /// or recovered database brought what it wrapped.
    /// </summary>
    public async Task Begin(string to, CancellationToken ct)
    {
        await using var begin = database.CreateCommand(
            """
            insert into crm.bookmarks (scope, key, value, updated_at)
            select $1, id, gen_random_uuid()::text, clock_timestamp()
            from (select id from crm.master_keys where retired_at is null
                  union select master_key from crm.subject_keys where wrapped is not null) used
            where id <> $2
            on conflict (scope, key) do nothing
            """);
        begin.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Scope });
        begin.Parameters.Add(new NpgsqlParameter<string> { TypedValue = to });
        await begin.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Records the rotation and retires the old keys.</summary>
    /// <returns>The ids of those that retired now.</returns>
    public async Task<IReadOnlyList<string>> End(string to, CancellationToken ct)
    {
        foreach (var (stream, fact) in await UnderWay(to, ct))
        {
            var now = WireFormats.Microseconds(clock.GetUtcNow());
            var happened = new NewEvent(Guid.CreateVersion7(now), fact, now);

            // A conflict is a fact that was recorded before the rotation was interrupted, or by another run at this moment.
            await log.Append(
                new AppendCommand([new StreamAppend(stream, AccessEvent.StreamType, ExpectedVersion: 0, [happened])], envelope), ct);
        }

        return await Retire(to, ct);
    }

    private async Task<List<(Guid Stream, MasterKeyRotated Fact)>> UnderWay(string to, CancellationToken ct)
    {
        await using var read = database.CreateCommand(
            """
            select b.key, b.value::uuid, coalesce(s.value, '0')::int
            from crm.bookmarks b left join crm.bookmarks s on s.scope = b.scope and s.key = b.key || '/streams'
            where b.scope = $1 and b.key <> $2 and b.key not like '%/streams' order by b.key
            """);
        read.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Scope });
        read.Parameters.Add(new NpgsqlParameter<string> { TypedValue = to });
        var found = new List<(Guid, MasterKeyRotated)>();
        await using var row = await read.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            found.Add((row.GetGuid(1), new MasterKeyRotated(row.GetString(0), to, row.GetInt32(2))));
        }

        return found;
    }

    private async Task<IReadOnlyList<string>> Retire(string to, CancellationToken ct)
    {
        await using var retire = database.CreateCommand(
            """
            with retired as (
                update crm.master_keys set retired_at = clock_timestamp() where retired_at is null and id <> $2 returning id),
            forgotten as (
                delete from crm.bookmarks where scope = $1)
            select id from retired
            """);
        retire.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Scope });
        retire.Parameters.Add(new NpgsqlParameter<string> { TypedValue = to });
        var retired = new List<string>();
        await using var row = await retire.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            retired.Add(row.GetString(0));
        }

        return retired;
    }
}

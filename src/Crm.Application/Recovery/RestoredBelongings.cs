using System.Globalization;
using Crm.Application.Teams;
using Crm.Application.Users;
using Crm.EventStore.Archives;
using Crm.EventStore.Log;
using Npgsql;
using NpgsqlTypes;

namespace Crm.Application.Recovery;

/// <summary>What belongs to a log that was restored from an archive: streams, counter, unique keys, credentials, receipts.</summary>
/// <param name="owner">The restored database.</param>
/// <param name="restoration">The log's restoration.</param>
/// <param name="reviveApiKeys">Whether what proves API keys is restored.</param>
/// <param name="erased">The streams whose subjects are known to be erased.</param>
internal sealed class RestoredBelongings(
    NpgsqlDataSource owner, LogRestoration restoration, bool reviveApiKeys, IReadOnlyCollection<Guid> erased)
{
    // Of what type a stream is, the catalog knows; the rest of a stream's row follows from its events.
    private const string StreamsOfEvents =
        """
        insert into crm.mt_streams (id, type, version, timestamp, created, tenant_id)
        select e.stream_id, k.stream_type, e.version, e.changed::timestamptz, e.created::timestamptz, e.tenant_id
        from (select stream_id, max(version) as version, max(type) filter (where version = 1) as type, max(tenant_id) as tenant_id,
                     max((headers ->> 'recordedAt') collate "C") as changed, min((headers ->> 'recordedAt') collate "C") as created
              from crm.mt_events group by stream_id) e
        left join unnest($1, $2) as k(type, stream_type) on k.type = e.type
        """;

    private const string ForeignKey =
        """
        alter table crm.mt_events drop constraint if exists fkey_mt_events_stream_id;
        alter table crm.mt_events add constraint fkey_mt_events_stream_id
            foreign key (stream_id) references crm.mt_streams (id) on delete cascade;
        analyze crm.mt_streams; analyze crm.mt_events;
        """;

    private const string Empty =
        """
        delete from crm.unique_keys; delete from crm.receipts; delete from crm.credentials;
        delete from crm.second_factors; delete from crm.recovery_codes; delete from crm.api_keys;
        delete from crm.subject_keys; delete from crm.master_keys; delete from crm.audit_heads; delete from crm.audit_keys
        """;

    private const string OfNobody =
        """
        delete from crm.unique_keys k where not exists (select from crm.mt_streams s where s.id = k.stream_id);
        delete from crm.credentials c where not exists (select from crm.mt_streams s where s.id = c.user_id);
        delete from crm.second_factors f where not exists (select from crm.mt_streams s where s.id = f.user_id);
        delete from crm.recovery_codes r where not exists (select from crm.mt_streams s where s.id = r.user_id);
        delete from crm.api_keys a where not exists (select from crm.mt_streams s where s.id = a.id);
        delete from crm.subject_keys k where not exists (select from crm.mt_streams s where s.id = k.stream_id);
        delete from crm.receipts r where position > (select max(seq_id) from crm.mt_events);
        delete from crm.audit_heads h where size > (select max(seq_id) from crm.mt_events);
        analyze crm.subject_keys;
        """;

    private const string Counter =
        """
        update crm.log_counter c set position = e.seq_id, recorded_at = (e.headers ->> 'recordedAt')::timestamptz
        from (select seq_id, headers from crm.mt_events order by seq_id desc limit 1) e;

        select setval('crm.mt_events_sequence', position) from crm.log_counter where position > 0;
        """;

    /// <summary>Restores them; in one transaction, and the same again when it is repeated.</summary>
    public async Task Restore(CancellationToken ct)
    {
        await using var to = await owner.OpenConnectionAsync(ct);
        await using var transaction = await to.BeginTransactionAsync(ct);
        await LongWork.Run(to, "set local statement_timeout = 0; set local work_mem = '256MB'; set local timezone = 'UTC'", ct);
        await LongWork.Run(to, "alter table crm.mt_events drop constraint if exists fkey_mt_events_stream_id; delete from crm.mt_streams", ct);
        var entries = EventJson.Catalog.Entries;
        await LongWork.Run(
            to, StreamsOfEvents, ct, Texts(entries.Select(static entry => entry.Name)), Texts(entries.Select(static entry => entry.StreamType)));
        await LongWork.Run(to, ForeignKey, ct);
        await LongWork.Run(to, Empty, ct);
        await restoration.RestoreSecrets(to, reviveApiKeys ? null : "api_keys", ct);
        await LongWork.Run(to, OfNobody, ct);
        await LongWork.Run(to, Counter, ct);
        await EraseAgain(to, ct);
        await transaction.CommitAsync(ct);
    }

    /// <summary>Claims the unique keys that users and teams hold, as their folds say.</summary>
    public async Task ClaimKeys(EventLog log, CancellationToken ct)
    {
        IReadOnlyList<UniqueKey> keys =
            [.. await RecoveredKeys.Of(log, UserStream.Kind, ct), .. await RecoveredKeys.Of(log, TeamStream.Kind, ct)];
        await using var to = await owner.OpenConnectionAsync(ct);
        await LongWork.Run(
            to,
            "insert into crm.unique_keys (scope, key, stream_id) select * from unnest($1, $2, $3) on conflict (scope, key) do nothing",
            ct,
            Texts(keys.Select(static key => key.Scope)),
            Texts(keys.Select(static key => key.Key)),
            new NpgsqlParameter { Value = keys.Select(static key => key.StreamId).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid });
    }

    /// <summary>How many streams there are.</summary>
    public async Task<long> Streams(CancellationToken ct)
    {
        await using var to = await owner.OpenConnectionAsync(ct);
        await using var count = new NpgsqlCommand("select count(*) from crm.mt_streams", to) { CommandTimeout = 0 };
        return Convert.ToInt64(await count.ExecuteScalarAsync(ct), CultureInfo.InvariantCulture);
    }

    /// <summary>Destroys keys that an older copy of the keys still had, before anything is read with them.</summary>
    private Task EraseAgain(NpgsqlConnection to, CancellationToken ct) => LongWork.Run(
        to,
        """
        update crm.subject_keys set wrapped = null, destroyed_at = coalesce(destroyed_at, clock_timestamp())
        where stream_id = any($1) and wrapped is not null
        """,
        ct,
        new NpgsqlParameter<Guid[]> { TypedValue = [.. erased] });

    private static NpgsqlParameter Texts(IEnumerable<string> values) =>
        new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text };
}

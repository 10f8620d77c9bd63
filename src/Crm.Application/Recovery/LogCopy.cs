using Crm.EventStore.Log;
using Npgsql;
using NpgsqlTypes;

namespace Crm.Application.Recovery;

/// <summary>
/// Copies a log up to a position into an empty schema by <c>COPY</c>: streams as they stood then, events, and what belongs to them: unique
/// keys, receipts, the users' credentials, API keys, the counter. Bookmarks of imports are not copied: an import finds its rows in the log.
/// </summary>
internal sealed class LogCopy(NpgsqlDataSource source, NpgsqlDataSource target, long upTo)
{
    private const long Chunk = 50_000;

    private const string EventColumns =
        "seq_id, id, stream_id, version, data, bdata, type, timestamp, tenant_id, mt_dotnet_type, correlation_id, causation_id, headers, "
        + "is_archived";

    private const string StreamsOut =
        """
        copy (select s.id, s.type, e.version, e.changed, e.created, s.tenant_id, s.is_archived
              from (select stream_id, max(version) as version,
                           max((headers ->> 'recordedAt')::timestamptz) as changed, min((headers ->> 'recordedAt')::timestamptz) as created
                    from crm.mt_events where seq_id <= current_setting('crm.upto')::bigint group by stream_id) e
              join crm.mt_streams s on s.id = e.stream_id) to stdout (format binary)
        """;

    private const string StreamsIn =
        "copy crm.mt_streams (id, type, version, timestamp, created, tenant_id, is_archived) from stdin (format binary)";

    private const string EventsOut =
        $"""
        copy (select {EventColumns} from crm.mt_events
              where seq_id > current_setting('crm.after')::bigint and seq_id <= current_setting('crm.upto')::bigint order by seq_id)
        to stdout (format binary)
        """;

    private const string EventsIn = $"copy crm.mt_events ({EventColumns}) from stdin (format binary)";

    private const string ForeignKey =
        """
        set local statement_timeout = 0;
        alter table crm.mt_events drop constraint if exists fkey_mt_events_stream_id;
        alter table crm.mt_events add constraint fkey_mt_events_stream_id
            foreign key (stream_id) references crm.mt_streams (id) on delete cascade;
        """;

    private const string ReceiptColumns = "caller, key, request_hash, status, stream_id, version, event_types, body, position, recorded_at";

    private const string ReceiptsOut =
        $"copy (select {ReceiptColumns} from crm.receipts where position <= current_setting('crm.upto')::bigint) to stdout (format binary)";

    private const string ReceiptsIn = $"copy crm.receipts ({ReceiptColumns}) from stdin (format binary)";

    // Keys of names in other systems are claimed when a user is registered and never given up.
    private const string UserKeysOut =
        """
        copy (select scope, key, stream_id from crm.unique_keys where scope = 'user-external-id') to stdout (format binary)
        """;

    private const string UserKeysIn = "copy crm.unique_keys (scope, key, stream_id) from stdin (format binary)";

    // As they are now: a key that has been destroyed since stays destroyed, whatever the moment that is recovered.
    private const string SubjectKeysOut =
        "copy (select stream_id, wrapped, master_key, created_at, destroyed_at from crm.subject_keys) to stdout (format binary)";

    private const string SubjectKeysIn =
        "copy crm.subject_keys (stream_id, wrapped, master_key, created_at, destroyed_at) from stdin (format binary)";

    private const string MasterKeysOut =
        "copy (select id, proof, first_used_at, retired_at from crm.master_keys) to stdout (format binary)";

    private const string MasterKeysIn = "copy crm.master_keys (id, proof, first_used_at, retired_at) from stdin (format binary)";

    private const string CredentialsOut =
        "copy (select user_id, password_hash, security_stamp, updated_at from crm.credentials) to stdout (format binary)";

    private const string CredentialsIn =
        "copy crm.credentials (user_id, password_hash, security_stamp, updated_at) from stdin (format binary)";

    // With the passwords: where they alone stood, one would be enough. The secrets are sealed with the master key, the same for both.
    private const string FactorsOut =
        "copy (select user_id, secret, created_at, confirmed_at, last_step from crm.second_factors) to stdout (format binary)";

    private const string FactorsIn =
        "copy crm.second_factors (user_id, secret, created_at, confirmed_at, last_step) from stdin (format binary)";

    private const string RecoveryCodesOut = "copy (select user_id, code_hash, used_at from crm.recovery_codes) to stdout (format binary)";

    private const string RecoveryCodesIn = "copy crm.recovery_codes (user_id, code_hash, used_at) from stdin (format binary)";

    private const string ApiKeysOut = "copy (select id, secret_hash, created_at, last_used_at from crm.api_keys) to stdout (format binary)";

    private const string ApiKeysIn = "copy crm.api_keys (id, secret_hash, created_at, last_used_at) from stdin (format binary)";

    /// <summary>
    /// Copies the streams and events that are not there yet; each part with its mark in one transaction. That each event has its stream is
    /// checked once at the end (<see cref="Belongings"/>), not for each event as it comes.
    /// </summary>
    /// <param name="copied">The position up to which events are there.</param>
    /// <param name="progress">Told the position up to which they are.</param>
    /// <param name="ct">Stops it; what is copied stays.</param>
    public async Task Events(long copied, IProgress<long>? progress, CancellationToken ct)
    {
        await using var from = await source.OpenConnectionAsync(ct);
        await using var to = await target.OpenConnectionAsync(ct);
        while (copied < upTo)
        {
            await using var transaction = await to.BeginTransactionAsync(ct);
            await LongWork.Run(to, "set local statement_timeout = 0", ct);
            if (copied == 0)
            {
                await LongWork.Run(to, "alter table crm.mt_events drop constraint if exists fkey_mt_events_stream_id", ct);
                await LongWork.Prepare(from, upTo, ct);
                await Pipe(from, StreamsOut, to, StreamsIn, ct);
            }

            var next = Math.Min(upTo, copied + Chunk);
            await LongWork.Prepare(from, next, ct, after: copied);
            await Pipe(from, EventsOut, to, EventsIn, ct);
            await RecoveryMarker.HasCopied(to, next, ct);
            await transaction.CommitAsync(ct);
            copied = next;
            progress?.Report(copied);
        }
    }

    /// <summary>Copies the keys of the streams that are there: in one transaction, and the same again when it is repeated.</summary>
    public async Task SubjectKeys(CancellationToken ct)
    {
        await using var from = await source.OpenConnectionAsync(ct);
        await LongWork.Prepare(from, upTo, ct);
        await using var to = await target.OpenConnectionAsync(ct);
        await using var transaction = await to.BeginTransactionAsync(ct);
        await LongWork.Run(to, "set local statement_timeout = 0; delete from crm.subject_keys; delete from crm.master_keys", ct);
        await Pipe(from, MasterKeysOut, to, MasterKeysIn, ct);
        await Pipe(from, SubjectKeysOut, to, SubjectKeysIn, ct);
        await LongWork.Run(
            to,
            """
            delete from crm.subject_keys k where not exists (select from crm.mt_streams s where s.id = k.stream_id);
            analyze crm.subject_keys
            """,
            ct);
        await transaction.CommitAsync(ct);
    }

    /// <summary>Brings what belongs to the log to where it stood: in one transaction, and the same again when it is repeated.</summary>
    /// <param name="keys">The unique keys of all kinds of streams but leads, which are many.</param>
    /// <param name="provesApiKeys">Whether what proves API keys comes along: without it none opens anything.</param>
    /// <param name="ct">Stops it.</param>
    public async Task Belongings(IReadOnlyList<UniqueKey> keys, bool provesApiKeys, CancellationToken ct)
    {
        await using var from = await source.OpenConnectionAsync(ct);
        await LongWork.Prepare(from, upTo, ct);
        await using var to = await target.OpenConnectionAsync(ct);
        await using var transaction = await to.BeginTransactionAsync(ct);
        await LongWork.Run(to, ForeignKey, ct);
        await LongWork.Run(
            to,
            """
            set local statement_timeout = 0; delete from crm.unique_keys; delete from crm.receipts; delete from crm.credentials;
            delete from crm.second_factors; delete from crm.recovery_codes; delete from crm.api_keys
            """,
            ct);
        await Pipe(from, UserKeysOut, to, UserKeysIn, ct);
        await Pipe(from, ReceiptsOut, to, ReceiptsIn, ct);
        await Pipe(from, CredentialsOut, to, CredentialsIn, ct);
        await Pipe(from, FactorsOut, to, FactorsIn, ct);
        await Pipe(from, RecoveryCodesOut, to, RecoveryCodesIn, ct);
        if (provesApiKeys)
        {
            await Pipe(from, ApiKeysOut, to, ApiKeysIn, ct);
        }

        await Insert(to, keys, ct);
        await LongWork.Run(
            to,
            """
            delete from crm.unique_keys k where not exists (select from crm.mt_streams s where s.id = k.stream_id);
            delete from crm.credentials c where not exists (select from crm.mt_streams s where s.id = c.user_id);
            delete from crm.second_factors f where not exists (select from crm.mt_streams s where s.id = f.user_id);
            delete from crm.recovery_codes r where not exists (select from crm.mt_streams s where s.id = r.user_id);
            delete from crm.api_keys a where not exists (select from crm.mt_streams s where s.id = a.id);

            update crm.log_counter c set position = e.seq_id, recorded_at = (e.headers ->> 'recordedAt')::timestamptz
            from (select seq_id, headers from crm.mt_events order by seq_id desc limit 1) e;

            select setval('crm.mt_events_sequence', position) from crm.log_counter where position > 0;
            """,
            ct);
        await LongWork.Run(to, "analyze crm.mt_streams; analyze crm.mt_events; analyze crm.unique_keys", ct);
        await transaction.CommitAsync(ct);
    }

    private static async Task Insert(NpgsqlConnection to, IReadOnlyList<UniqueKey> keys, CancellationToken ct)
    {
        await using var insert = new NpgsqlCommand(
            "insert into crm.unique_keys (scope, key, stream_id) select * from unnest($1, $2, $3)", to)
        {
            Parameters =
            {
                new() { Value = keys.Select(static key => key.Scope).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = keys.Select(static key => key.Key).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = keys.Select(static key => key.StreamId).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid },
            },
        };
        await insert.ExecuteNonQueryAsync(ct);
    }

    private static async Task Pipe(NpgsqlConnection from, string copyOut, NpgsqlConnection to, string copyIn, CancellationToken ct)
    {
        await using var read = await from.BeginRawBinaryCopyAsync(copyOut, ct);
        await using var write = await to.BeginRawBinaryCopyAsync(copyIn, ct);
        var buffer = new byte[128 * 1024];
        int length;
        while ((length = await read.ReadAsync(buffer, ct)) > 0)
        {
            await write.WriteAsync(buffer.AsMemory(0, length), ct);
        }
    }
}

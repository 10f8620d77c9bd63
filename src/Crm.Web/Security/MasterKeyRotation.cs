using Crm.EventStore.Log;
using Crm.EventStore.Sealing;
using Npgsql;
using NpgsqlTypes;

namespace Crm.Web.Security;

/// <summary>What a rotation of the master key came to.</summary>
/// <param name="MasterKey">The id of the key that seals everything now.</param>
/// <param name="SubjectKeys">How many keys of streams were wrapped anew.</param>
/// <param name="SigningKeys">How many signing keys were.</param>
/// <param name="SecondFactors">How many second factors were.</param>
/// <param name="AuditKeys">How many keys of the audit tree were.</param>
/// <param name="Retired">The ids of the keys that seal nothing in the database any more.</param>
public sealed record MasterKeyRotationReport(
    string MasterKey, int SubjectKeys, int SigningKeys, int SecondFactors, int AuditKeys, IReadOnlyList<string> Retired);

/// <summary>
/// Seals anew, with the master key that now stands first, whatever an older one sealed: batch by batch, while hosts work on. What is done
/// stays done, so that it can be stopped at any point and run again; nothing that the log holds changes, and when it is through, the log
/// says so.
/// </summary>
public sealed class MasterKeyRotation(NpgsqlDataSource database, EventLog log, MasterKeys masters, TimeProvider clock)
{
    private const int Batch = 500;
    private const int MostRounds = 20;

    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(1_500);

    private readonly MasterKeyRotationFact fact = new(database, log, clock);

    /// <summary>Whether something in the database still needs another key than the one that stands first.</summary>
    public async Task<bool> IsUnfinished(CancellationToken ct)
    {
        var current = masters.Current;
        await using var look = database.CreateCommand("select exists (select from crm.master_keys where retired_at is null and id <> $1)");
        look.Parameters.Add(new NpgsqlParameter<string> { TypedValue = current.Id });
        return await look.ExecuteScalarAsync(ct) is true || await Left(current, ct) > 0;
    }

    /// <summary>Rotates; the same call goes on where it was stopped.</summary>
    /// <param name="progress">Told how much is done, 0–1; null for nobody.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="SealBrokenException">Something does not open with any of the keys; it stays as it is.</exception>
    /// <exception cref="InvalidOperationException">A host goes on sealing with an older key: it has not been told of this one.</exception>
    public async Task<MasterKeyRotationReport> Run(IProgress<double>? progress, CancellationToken ct)
    {
        var to = masters.Current;
        await MasterKeyCheck.Record(database, to, ct);
        await fact.Begin(to.Id, ct);
        var subjects = await SubjectKeys(to, progress, ct);
        var signing = await Boxes(
            to, "select kid, private_pkcs8 from crm.signing_keys where sealed",
            "update crm.signing_keys set private_pkcs8 = $3 where kid = $1 and private_pkcs8 = $2",
            static kid => $"signing_keys/{kid}", ct);
        var factors = await Boxes(
            to, "select user_id::text, secret from crm.second_factors",
            "update crm.second_factors set secret = $3 where user_id = $1::uuid and secret = $2",
            static user => $"second_factors/{user}", ct);
        var audit = await Boxes(
            to, "select key_id, private_key from crm.audit_keys where private_key is not null",
            "update crm.audit_keys set private_key = $3 where key_id = $1 and private_key = $2",
            static key => $"audit_keys/{key}", ct);
        var retired = await fact.End(to.Id, ct);
        progress?.Report(1);
        return new MasterKeyRotationReport(to.Id, subjects, signing, factors, audit, retired);
    }

    private async Task<int> SubjectKeys(MasterKey to, IProgress<double>? progress, CancellationToken ct)
    {
        var done = 0;
        for (var round = 0; round < MostRounds; round++)
        {
            // A host reads the file of keys anew within a second: until then it may wrap a new stream's key with the old one.
            if (round > 0)
            {
                await Task.Delay(Settle, clock, ct);
            }

            var left = await Left(to, ct);
            if (left == 0 && round > 0)
            {
                return done;
            }

            var (after, total) = (Guid.Empty, Math.Max(1, done + left));
            while (await Next(after, to, ct) is { Count: > 0 } batch)
            {
                done += await Rewrap(batch, to, ct);
                after = batch[^1].Stream;
                progress?.Report(0.99 * Math.Min(1, (double)done / total));
            }
        }

        throw new InvalidOperationException(
            "A host goes on sealing with an older master key. Give every host the new one first, then run this again.");
    }

    private async Task<long> Left(MasterKey to, CancellationToken ct)
    {
        await using var count = database.CreateCommand(
            "select count(*) from crm.subject_keys where wrapped is not null and master_key <> $1");
        count.Parameters.Add(new NpgsqlParameter<string> { TypedValue = to.Id });
        return (long)(await count.ExecuteScalarAsync(ct) ?? 0L);
    }

    private async Task<List<WrappedKey>> Next(Guid after, MasterKey to, CancellationToken ct)
    {
        await using var next = database.CreateCommand(
            """
            select stream_id, wrapped, master_key from crm.subject_keys
            where stream_id > $1 and wrapped is not null and master_key <> $2 order by stream_id limit $3
            """);
        next.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after });
        next.Parameters.Add(new NpgsqlParameter<string> { TypedValue = to.Id });
        next.Parameters.Add(new NpgsqlParameter<int> { TypedValue = Batch });
        var batch = new List<WrappedKey>();
        await using var row = await next.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            batch.Add(new WrappedKey(row.GetGuid(0), row.GetFieldValue<byte[]>(1), row.GetString(2)));
        }

        return batch;
    }

    // Compared with what was read: a key that was destroyed meanwhile must not come back.
    private async Task<int> Rewrap(List<WrappedKey> batch, MasterKey to, CancellationToken ct)
    {
        var anew = batch.ConvertAll(key => to.Seal(
            key.Place, (masters.Named(key.Master) ?? throw new MasterKeyUnknownException(key.Master)).Open(key.Place, key.Wrapped)));
        await using var put = database.CreateCommand(
            """
            with anew as (
                update crm.subject_keys k set wrapped = n.wrapped, master_key = $4
                from unnest($1, $2, $3, $5) as n(stream, old, wrapped, master)
                where k.stream_id = n.stream and k.wrapped = n.old
                returning n.master),
            counted as (
                insert into crm.bookmarks as b (scope, key, value, updated_at)
                select $6, master || '/streams', count(*)::text, clock_timestamp() from anew group by master
                on conflict (scope, key) do update
                set value = (b.value::bigint + excluded.value::bigint)::text, updated_at = excluded.updated_at)
            select count(*)::int from anew
            """);
        const NpgsqlDbType boxes = NpgsqlDbType.Array | NpgsqlDbType.Bytea;
        put.Parameters.Add(new()
        {
            Value = batch.ConvertAll(static key => key.Stream),
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Uuid,
        });
        put.Parameters.Add(new() { Value = batch.ConvertAll(static key => key.Wrapped), NpgsqlDbType = boxes });
        put.Parameters.Add(new() { Value = anew, NpgsqlDbType = boxes });
        put.Parameters.Add(new NpgsqlParameter<string> { TypedValue = to.Id });
        put.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. batch.Select(static key => key.Master)] });
        put.Parameters.Add(new NpgsqlParameter<string> { TypedValue = MasterKeyRotationFact.Scope });
        return (int)(await put.ExecuteScalarAsync(ct) ?? 0);
    }

    /// <summary>The boxes of a table, which do not say who sealed them: those that the new key opens are done.</summary>
    private async Task<int> Boxes(MasterKey to, string all, string change, Func<string, string> placeOf, CancellationToken ct)
    {
        var boxes = new List<(string Id, byte[] Box)>();
        await using (var read = database.CreateCommand(all))
        await using (var row = await read.ExecuteReaderAsync(ct))
        {
            while (await row.ReadAsync(ct))
            {
                boxes.Add((row.GetString(0), row.GetFieldValue<byte[]>(1)));
            }
        }

        var done = 0;
        foreach (var (id, box) in boxes.Where(each => !Opens(to, placeOf(each.Id), each.Box)))
        {
            await using var put = database.CreateCommand(change);
            put.Parameters.Add(new NpgsqlParameter<string> { TypedValue = id });
            put.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = box });
            put.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = to.Seal(placeOf(id), masters.Open(placeOf(id), box)) });
            done += await put.ExecuteNonQueryAsync(ct);
        }

        return done;
    }

    private static bool Opens(MasterKey key, string place, byte[] box)
    {
        try
        {
            key.Open(place, box);
            return true;
        }
        catch (SealBrokenException)
        {
            return false;
        }
    }

    private sealed record WrappedKey(Guid Stream, byte[] Wrapped, string Master)
    {
        public string Place => SubjectKey.PlaceOf(Stream);
    }
}

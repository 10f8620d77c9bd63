using System.Security.Cryptography;
using System.Text;
using Crm.Domain.Access;
using Crm.EventStore.Log;
using Crm.EventStore.Sealing;
using Npgsql;

namespace Crm.Web.Security;

/// <summary>What the code of a second factor was worth.</summary>
public enum SecondFactorVerdict
{
    /// <summary>The user has no second factor.</summary>
    NotAsked,

    /// <summary>The code is one of the authenticator's.</summary>
    Right,

    /// <summary>The code is a recovery code, which counts no more.</summary>
    RightRecoveryCode,

    /// <summary>No code was sent.</summary>
    Missing,

    /// <summary>The code is none, or was used before.</summary>
    Wrong,
}

/// <summary>
/// Second factors (RFC 6238), beside the log: the secret is sealed with the master key, recovery codes are hashed. A code counts once,
/// on whatever host: the database compares and sets the last time step that was taken.
/// </summary>
public sealed class SecondFactors(NpgsqlDataSource database, MasterKeys master, AccessFacts facts, TimeProvider clock)
{
    /// <summary>The most characters that a code may have, recovery codes and how people group them included.</summary>
    public const int MaxCodeCharacters = 32;

    /// <summary>How many recovery codes there are.</summary>
    public const int RecoveryCodes = 10;

    // Nearly 119 random bits: a plain hash is enough, even of a database that was stolen.
    private const int RecoveryCharacters = 24;
    private const string RecoveryAlphabet = "abcdefghjkmnpqrstuvwxyz23456789";

    /// <summary>Makes a secret that waits to be confirmed, in place of one that still waits; null when one is in use.</summary>
    public async Task<byte[]?> Offer(Guid userId, CancellationToken ct)
    {
        var secret = RandomNumberGenerator.GetBytes(Totp.SecretBytes);
        await using var offer = database.CreateCommand(
            """
            insert into crm.second_factors as f (user_id, secret, created_at) values ($1, $2, $3)
            on conflict (user_id) do update set secret = excluded.secret, created_at = excluded.created_at where f.confirmed_at is null
            """);
        offer.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        offer.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = master.Seal(PlaceOf(userId), secret) });
        offer.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        return await offer.ExecuteNonQueryAsync(ct) == 1 ? secret : null;
    }

    /// <summary>Whether the user signs in with a second factor; null when one waits to be confirmed, false when there is none.</summary>
    public async Task<bool?> IsConfirmed(Guid userId, CancellationToken ct) => await Find(userId, ct) switch
    {
        null => false,
        { Confirmed: true } => true,
        { Confirmed: false } => null,
    };

    /// <summary>
    /// Takes the second factor that waits into use, when the code shows that the user's app has its secret; answers the recovery codes,
    /// which are shown this once. Null when the code is wrong, or nothing waits.
    /// </summary>
    public async Task<IReadOnlyList<string>?> Confirm(Guid userId, string code, Envelope envelope, CancellationToken ct)
    {
        if (await Find(userId, ct) is not { Confirmed: false } factor
            || Totp.StepOf(Plain(code), factor.Secret, clock.GetUtcNow(), factor.LastStep) is not { } step)
        {
            return null;
        }

        var codes = Enumerable.Range(0, RecoveryCodes)
            .Select(static _ => RandomNumberGenerator.GetString(RecoveryAlphabet, RecoveryCharacters))
            .ToList();
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var confirm = new NpgsqlCommand(
            """
            update crm.second_factors set confirmed_at = $3, last_step = $4
            where user_id = $1 and confirmed_at is null and created_at = $2
            """,
            connection))
        {
            confirm.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
            confirm.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = factor.CreatedAt });
            confirm.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
            confirm.Parameters.Add(new NpgsqlParameter<long> { TypedValue = step });
            if (await confirm.ExecuteNonQueryAsync(ct) == 0)
            {
                return null;
            }
        }

        await using (var keep = new NpgsqlCommand(
            """
            with gone as (delete from crm.recovery_codes where user_id = $1)
            insert into crm.recovery_codes (user_id, code_hash) select $1, code_hash from unnest($2) as code_hash
            """,
            connection))
        {
            keep.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
            keep.Parameters.Add(new NpgsqlParameter<byte[][]> { TypedValue = [.. codes.Select(HashOf)] });
            await keep.ExecuteNonQueryAsync(ct);
        }

        // Before the commit: what is not in the log does not happen.
        await facts.Record(new SecondFactorEnabled(userId), envelope, ct);
        await transaction.CommitAsync(ct);
        return [.. codes.Select(static one => string.Join('-', one.Chunk(4).Select(static part => new string(part))))];
    }

    /// <summary>Takes a user's code, once.</summary>
    public async Task<SecondFactorVerdict> Check(Guid userId, string? code, CancellationToken ct)
    {
        if (await Find(userId, ct) is not { Confirmed: true } factor)
        {
            return SecondFactorVerdict.NotAsked;
        }

        if (string.IsNullOrWhiteSpace(code))
        {
            return SecondFactorVerdict.Missing;
        }

        var plain = Plain(code);
        if (plain.Length == RecoveryCharacters)
        {
            return await UseRecoveryCode(userId, plain, ct) ? SecondFactorVerdict.RightRecoveryCode : SecondFactorVerdict.Wrong;
        }

        return Totp.StepOf(plain, factor.Secret, clock.GetUtcNow(), factor.LastStep) is { } step && await UseStep(userId, step, ct)
            ? SecondFactorVerdict.Right
            : SecondFactorVerdict.Wrong;
    }

    /// <summary>How many recovery codes the user has left.</summary>
    public async Task<int> RecoveryCodesLeft(Guid userId, CancellationToken ct)
    {
        await using var count = database.CreateCommand(
            "select count(*)::int from crm.recovery_codes where user_id = $1 and used_at is null");
        count.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        return await count.ExecuteScalarAsync(ct) is int left ? left : 0;
    }

    /// <summary>Removes a user's second factor, waiting or in use; false when there was none in use.</summary>
    public async Task<bool> Remove(Guid userId, Envelope envelope, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using var remove = new NpgsqlCommand(
            """
            with codes as (delete from crm.recovery_codes where user_id = $1)
            delete from crm.second_factors where user_id = $1 returning confirmed_at is not null
            """,
            connection);
        remove.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        var wasInUse = await remove.ExecuteScalarAsync(ct) is true;
        if (wasInUse)
        {
            await facts.Record(new SecondFactorRemoved(userId), envelope, ct);
        }

        await transaction.CommitAsync(ct);
        return wasInUse;
    }

    private static string PlaceOf(Guid userId) => $"second_factors/{userId}";

    private static string Plain(string code) =>
        string.Concat(code.Where(static sign => sign is not (' ' or '-'))).ToLowerInvariant();

    private static byte[] HashOf(string recoveryCode) => SHA256.HashData(Encoding.UTF8.GetBytes(recoveryCode));

    private async Task<SecondFactor?> Find(Guid userId, CancellationToken ct)
    {
        await using var find = database.CreateCommand(
            "select secret, created_at, confirmed_at is not null, last_step from crm.second_factors where user_id = $1");
        find.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        await using var row = await find.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct)
            ? new SecondFactor(
                master.Open(PlaceOf(userId), row.GetFieldValue<byte[]>(0)),
                row.GetFieldValue<DateTimeOffset>(1),
                row.GetBoolean(2),
                row.GetInt64(3))
            : null;
    }

    private async Task<bool> UseStep(Guid userId, long step, CancellationToken ct)
    {
        await using var use = database.CreateCommand("update crm.second_factors set last_step = $2 where user_id = $1 and last_step < $2");
        use.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        use.Parameters.Add(new NpgsqlParameter<long> { TypedValue = step });
        return await use.ExecuteNonQueryAsync(ct) == 1;
    }

    private async Task<bool> UseRecoveryCode(Guid userId, string code, CancellationToken ct)
    {
        await using var use = database.CreateCommand(
            "update crm.recovery_codes set used_at = $3 where user_id = $1 and code_hash = $2 and used_at is null");
        use.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        use.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = HashOf(code) });
        use.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        return await use.ExecuteNonQueryAsync(ct) == 1;
    }

    private sealed record SecondFactor(byte[] Secret, DateTimeOffset CreatedAt, bool Confirmed, long LastStep)
    {
        public override string ToString() => nameof(SecondFactor);
    }
}

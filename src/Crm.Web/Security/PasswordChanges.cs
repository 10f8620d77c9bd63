using System.Security.Cryptography;
using System.Text;
using Crm.Domain.Access;
using Crm.EventStore.Log;
using Npgsql;

namespace Crm.Web.Security;

/// <summary>A token with which a user may choose a password, once.</summary>
/// <param name="Token">Shown to the admin this once: the database keeps its hash.</param>
/// <param name="ExpiresAt">Until when it counts.</param>
public sealed record PasswordResetToken(string Token, DateTimeOffset ExpiresAt)
{
    /// <summary>Keeps the token out of whatever prints the record.</summary>
    public override string ToString() => nameof(PasswordResetToken);
}

/// <summary>
/// Replaces passwords, by the old one or by a token: then every session of the user ends, and every token that waits. The fact is in the
/// log before the change is: what is not in the log does not happen.
/// </summary>
public sealed class PasswordChanges(NpgsqlDataSource database, Credentials credentials, AccessFacts facts, TimeProvider clock)
{
    /// <summary>How long a token counts.</summary>
    public static readonly TimeSpan TokenLifetime = TimeSpan.FromHours(1);

    private const int TokenBytes = 32;

    /// <summary>Replaces the password of a credential; answers the new credential, or null when it is no longer the user's.</summary>
    public async Task<Credential?> Change(Credential old, string password, Envelope envelope, CancellationToken ct)
    {
        const string StillTheirs = "select 1 from crm.credentials where user_id = $1 and security_stamp = $2 for update";
        var hash = await credentials.Hash(password, ct);
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var ask = new NpgsqlCommand(StillTheirs, connection))
        {
            ask.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = old.UserId });
            ask.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = old.SecurityStamp });
            if (await ask.ExecuteScalarAsync(ct) is null)
            {
                return null;
            }
        }

        return await Replace(transaction, connection, old.UserId, hash, new PasswordChanged(old.UserId), envelope, ct);
    }

    /// <summary>Makes a token for a user, in place of one that still waits.</summary>
    public async Task<PasswordResetToken> IssueToken(Guid userId, Envelope envelope, CancellationToken ct)
    {
        var now = Http.WireFormats.Microseconds(clock.GetUtcNow());
        var token = new PasswordResetToken(StrictBase64Url.Encode(RandomNumberGenerator.GetBytes(TokenBytes)), now + TokenLifetime);
        await facts.Record(new PasswordResetIssued(userId, token.ExpiresAt), envelope, ct);
        await using var keep = database.CreateCommand(
            """
            insert into crm.password_resets (user_id, token_hash, issued_at, expires_at) values ($1, $2, $3, $4)
            on conflict (user_id) do update
            set token_hash = excluded.token_hash, issued_at = excluded.issued_at, expires_at = excluded.expires_at
            """);
        keep.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        keep.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = HashOf(token.Token) });
        keep.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        keep.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = token.ExpiresAt });
        await keep.ExecuteNonQueryAsync(ct);
        return token;
    }

    /// <summary>Whose token this is; null when it does not count.</summary>
    public async Task<Guid?> HolderOf(string token, CancellationToken ct)
    {
        await using var find = database.CreateCommand(
            "select user_id from crm.password_resets where token_hash = $1 and expires_at > $2");
        find.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = HashOf(token) });
        find.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        return await find.ExecuteScalarAsync(ct) is Guid userId ? userId : null;
    }

    /// <summary>Uses a token; false when it does not count, or another request was faster.</summary>
    public async Task<bool> Reset(Guid userId, string token, string password, Envelope envelope, CancellationToken ct)
    {
        var hash = await credentials.Hash(password, ct);
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await using (var use = new NpgsqlCommand(
            "delete from crm.password_resets where user_id = $1 and token_hash = $2 and expires_at > $3", connection))
        {
            use.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
            use.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = HashOf(token) });
            use.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
            if (await use.ExecuteNonQueryAsync(ct) == 0)
            {
                return false;
            }
        }

        await Replace(transaction, connection, userId, hash, new PasswordReset(userId), envelope, ct);
        return true;
    }

    /// <summary>Forgets tokens that no longer count.</summary>
    public async Task<int> Prune(CancellationToken ct)
    {
        await using var prune = database.CreateCommand("delete from crm.password_resets where expires_at <= $1");
        prune.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        return await prune.ExecuteNonQueryAsync(ct);
    }

    // The token is 256 random bits: a plain hash is enough, there is nothing to guess.
    private static byte[] HashOf(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private async Task<Credential> Replace(
        NpgsqlTransaction transaction,
        NpgsqlConnection connection,
        Guid userId,
        string hash,
        AccessEvent fact,
        Envelope envelope,
        CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var stamp = await Credentials.Replace(connection, userId, hash, now, ct);
        var ended = await Sessions.EndAllOf(connection, userId, SessionEnding.PasswordChanged, now, ct);
        await using (var forget = new NpgsqlCommand("delete from crm.password_resets where user_id = $1", connection))
        {
            forget.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
            await forget.ExecuteNonQueryAsync(ct);
        }

        await facts.Record(fact, envelope, ct);
        await facts.SessionsEnded(userId, ended, SessionEnding.PasswordChanged, envelope, ct);
        await transaction.CommitAsync(ct);
        return new Credential(userId, hash, stamp);
    }
}

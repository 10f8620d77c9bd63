using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Crm.Web.Security;

/// <summary>A session that can be renewed once by this refresh token.</summary>
/// <param name="Id">The session.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="RefreshToken">The token, shown to the client alone: the database keeps its hash.</param>
public sealed record RenewableSession(Guid Id, Guid UserId, string RefreshToken);

/// <summary>
/// Sessions: each is a family of refresh tokens that begins with a login, every one replaced when it is used. A token that comes
/// a second time was stolen, from one side or the other, and ends the session.
/// </summary>
public sealed class Sessions(NpgsqlDataSource database, SecurityOptions options, TimeProvider clock)
{
    private const int TokenBytes = 32;

    /// <summary>Begins a session.</summary>
    public async Task<RenewableSession> Begin(Guid userId, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var session = new RenewableSession(Guid.CreateVersion7(now), userId, NewToken());
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("delete from crm.refresh_tokens where user_id = $1 and expires_at <= $2")
        {
            Parameters = { new NpgsqlParameter<Guid> { TypedValue = userId }, new NpgsqlParameter<DateTimeOffset> { TypedValue = now } },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            "insert into crm.refresh_tokens (token_hash, family, user_id, issued_at, expires_at) values ($1, $2, $3, $4, $5)")
        {
            Parameters =
            {
                new NpgsqlParameter<byte[]> { TypedValue = HashOf(session.RefreshToken) },
                new NpgsqlParameter<Guid> { TypedValue = session.Id },
                new NpgsqlParameter<Guid> { TypedValue = userId },
                new NpgsqlParameter<DateTimeOffset> { TypedValue = now },
                new NpgsqlParameter<DateTimeOffset> { TypedValue = now + options.SessionLifetime },
            },
        });
        await batch.ExecuteNonQueryAsync(ct);
        return session;
    }

    /// <summary>
    /// Uses a refresh token: the session goes on with a new one, as long as it was to last from its beginning. Null when the token is
    /// not known, expired, of an ended session, or was used before, which ends its session.
    /// </summary>
    public async Task<RenewableSession?> Renew(string refreshToken, CancellationToken ct)
    {
        var hash = HashOf(refreshToken);
        var next = NewToken();
        await using (var renew = database.CreateCommand(
            """
            with used as (
                update crm.refresh_tokens t set used_at = $2
                where t.token_hash = $1 and t.used_at is null and t.revoked_at is null and t.expires_at > $2
                  and not exists (select from crm.refresh_tokens r where r.family = t.family and r.revoked_at is not null)
                returning t.family, t.user_id, t.expires_at),
            successor as (
                insert into crm.refresh_tokens (token_hash, family, user_id, issued_at, expires_at)
                select $3, family, user_id, $2, expires_at from used)
            select family, user_id from used
            """))
        {
            renew.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = hash });
            renew.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
            renew.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = HashOf(next) });
            await using var row = await renew.ExecuteReaderAsync(ct);
            if (await row.ReadAsync(ct))
            {
                return new RenewableSession(row.GetGuid(0), row.GetGuid(1), next);
            }
        }

        await using var end = database.CreateCommand(
            """
            update crm.refresh_tokens set revoked_at = $2
            where revoked_at is null and family = (select family from crm.refresh_tokens where token_hash = $1 and used_at is not null)
            """);
        end.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = hash });
        end.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        await end.ExecuteNonQueryAsync(ct);
        return null;
    }

    /// <summary>Ends a session: its refresh token and its access tokens no longer count.</summary>
    public async Task End(Guid session, CancellationToken ct)
    {
        await using var end = database.CreateCommand(
            "update crm.refresh_tokens set revoked_at = $2 where family = $1 and revoked_at is null");
        end.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = session });
        end.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        await end.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Ends every session of a user.</summary>
    public async Task EndAllOf(Guid userId, CancellationToken ct)
    {
        await using var end = database.CreateCommand(
            "update crm.refresh_tokens set revoked_at = $2 where user_id = $1 and revoked_at is null");
        end.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        end.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        await end.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Whether a session goes on and the user's credential is still the one it began with.</summary>
    public async Task<bool> GoesOn(Guid session, Guid userId, Guid securityStamp, CancellationToken ct)
    {
        await using var ask = database.CreateCommand(
            """
            select exists (select from crm.credentials where user_id = $2 and security_stamp = $3)
               and exists (select from crm.refresh_tokens where family = $1)
               and not exists (select from crm.refresh_tokens where family = $1 and revoked_at is not null)
            """);
        ask.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = session });
        ask.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        ask.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = securityStamp });
        return await ask.ExecuteScalarAsync(ct) is true;
    }

    private static string NewToken() => StrictBase64Url.Encode(RandomNumberGenerator.GetBytes(TokenBytes));

    // The token is 256 random bits: a plain hash is enough, there is nothing to guess.
    private static byte[] HashOf(string refreshToken) => SHA256.HashData(Encoding.UTF8.GetBytes(refreshToken));
}

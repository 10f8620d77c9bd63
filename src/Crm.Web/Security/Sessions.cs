using System.Security.Cryptography;
using System.Text;
using Crm.Domain.Access;
using Npgsql;

namespace Crm.Web.Security;

/// <summary>
/// Sessions: each is a family of refresh tokens that begins with a login, every one replaced when it is used. A token that comes
/// a second time was stolen, from one side or the other, and ends the session.
/// </summary>
public sealed class Sessions(NpgsqlDataSource database, SecurityOptions options, TimeProvider clock)
{
    private const int TokenBytes = 32;

    private readonly RefreshRaces races = new(clock);

    /// <summary>Begins a session, which lasts no longer than the credential does that opened it.</summary>
    public async Task<RenewableSession> Begin(Guid userId, Guid securityStamp, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var session = new RenewableSession(Guid.CreateVersion7(now), userId, NewToken());
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("delete from crm.refresh_tokens where user_id = $1 and expires_at <= $2")
        {
            Parameters = { new NpgsqlParameter<Guid> { TypedValue = userId }, new NpgsqlParameter<DateTimeOffset> { TypedValue = now } },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(
            """
            insert into crm.refresh_tokens (token_hash, family, user_id, issued_at, expires_at, security_stamp)
            values ($1, $2, $3, $4, $5, $6)
            """)
        {
            Parameters =
            {
                new NpgsqlParameter<byte[]> { TypedValue = HashOf(session.RefreshToken) },
                new NpgsqlParameter<Guid> { TypedValue = session.Id },
                new NpgsqlParameter<Guid> { TypedValue = userId },
                new NpgsqlParameter<DateTimeOffset> { TypedValue = now },
                new NpgsqlParameter<DateTimeOffset> { TypedValue = now + options.SessionLifetime },
                new NpgsqlParameter<Guid> { TypedValue = securityStamp },
            },
        });
        await batch.ExecuteNonQueryAsync(ct);
        return session;
    }

    /// <summary>Uses a refresh token: the session goes on with a new one, as long as it was to last from its beginning.</summary>
    /// <param name="refreshToken">The token.</param>
    /// <param name="arrivedAt">When the request arrived, by this host's clock.</param>
    /// <param name="ct">Gives up.</param>
    public async Task<Renewal> Renew(string refreshToken, DateTimeOffset arrivedAt, CancellationToken ct)
    {
        var hash = HashOf(refreshToken);
        using var race = await races.Join(hash, ct);
        var (session, wasUnused) = await Use(hash, ct);
        if (session is not null)
        {
            race.Won();
            return new Renewal.Renewed(session);
        }

        if (await Used(hash, ct) is not { } used)
        {
            return new Renewal.Unknown();
        }

        return race.IsLost || wasUnused || arrivedAt <= used.At
            ? new Renewal.Raced()
            : new Renewal.Reused(used.Family, used.UserId, await End(used.Family, SessionEnding.RefreshTokenReused, ct));
    }

    private async Task<(Guid Family, Guid UserId, DateTimeOffset At)?> Used(byte[] hash, CancellationToken ct)
    {
        await using var ask = database.CreateCommand("select family, user_id, used_at from crm.refresh_tokens where token_hash = $1");
        ask.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = hash });
        await using var row = await ask.ExecuteReaderAsync(ct);
        return await row.ReadAsync(ct) && !await row.IsDBNullAsync(2, ct)
            ? (row.GetGuid(0), row.GetGuid(1), row.GetFieldValue<DateTimeOffset>(2))
            : null;
    }

    /// <summary>Ends a session: its refresh token and its access tokens no longer count. False when it had ended before.</summary>
    public async Task<bool> End(Guid session, SessionEnding why, CancellationToken ct)
    {
        await using var end = database.CreateCommand(
            """
            update crm.refresh_tokens set revoked_at = $2, ended_why = $3
            where family = $1 and revoked_at is null
              and not exists (select from crm.refresh_tokens where family = $1 and revoked_at is not null)
            """);
        end.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = session });
        end.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        end.Parameters.Add(new NpgsqlParameter<string> { TypedValue = WordOf(why) });
        return await end.ExecuteNonQueryAsync(ct) > 0;
    }

    /// <summary>Ends every session of a user; answers those that lived until now.</summary>
    public async Task<IReadOnlyList<Guid>> EndAllOf(Guid userId, SessionEnding why, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return await EndAllOf(connection, userId, why, clock.GetUtcNow(), ct);
    }

    /// <summary>The user's sessions that go on, the one used last first.</summary>
    public async Task<IReadOnlyList<LivingSession>> Of(Guid userId, CancellationToken ct)
    {
        await using var list = database.CreateCommand(
            """
            select t.family, min(t.issued_at), max(t.issued_at)
            from crm.refresh_tokens t
            where t.user_id = $1
              and (t.security_stamp is null
                   or t.security_stamp = (select c.security_stamp from crm.credentials c where c.user_id = t.user_id))
            group by t.family
            having bool_and(t.revoked_at is null) and max(t.expires_at) > $2
            order by 3 desc, 1
            limit 200
            """);
        list.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        list.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        await using var rows = await list.ExecuteReaderAsync(ct);
        var sessions = new List<LivingSession>();
        while (await rows.ReadAsync(ct))
        {
            sessions.Add(new LivingSession(
                rows.GetGuid(0), rows.GetFieldValue<DateTimeOffset>(1), rows.GetFieldValue<DateTimeOffset>(2)));
        }

        return sessions;
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

    /// <summary>Forgets tokens whose sessions could not be renewed any more.</summary>
    public async Task<int> Prune(CancellationToken ct)
    {
        await using var prune = database.CreateCommand("delete from crm.refresh_tokens where expires_at <= $1");
        prune.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        return await prune.ExecuteNonQueryAsync(ct);
    }

    internal static async Task<IReadOnlyList<Guid>> EndAllOf(
        NpgsqlConnection connection, Guid userId, SessionEnding why, DateTimeOffset now, CancellationToken ct)
    {
        await using var end = new NpgsqlCommand(
            """
            with ended as (
                update crm.refresh_tokens t set revoked_at = $2, ended_why = $3
                where t.user_id = $1 and t.revoked_at is null
                  and not exists (select from crm.refresh_tokens r where r.family = t.family and r.revoked_at is not null)
                returning t.family, t.expires_at)
            select family from ended group by family having max(expires_at) > $2 order by family
            """,
            connection);
        end.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        end.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        end.Parameters.Add(new NpgsqlParameter<string> { TypedValue = WordOf(why) });
        await using var rows = await end.ExecuteReaderAsync(ct);
        var ended = new List<Guid>();
        while (await rows.ReadAsync(ct))
        {
            ended.Add(rows.GetGuid(0));
        }

        return ended;
    }

    private static string WordOf(SessionEnding why) => why switch
    {
        SessionEnding.SignedOut => "signed-out",
        SessionEnding.RefreshTokenReused => "refresh-token-reused",
        SessionEnding.PasswordChanged => "password-changed",
        SessionEnding.EndedByAdmin => "ended-by-admin",
    };

    private static string NewToken() => StrictBase64Url.Encode(RandomNumberGenerator.GetBytes(TokenBytes));

    // The token is 256 random bits: a plain hash is enough, there is nothing to guess.
    private static byte[] HashOf(string refreshToken) => SHA256.HashData(Encoding.UTF8.GetBytes(refreshToken));

    // Also whether the token was unused when the statement began: then whoever used it, on another host, did so at the same moment.
    private async Task<(RenewableSession? Session, bool WasUnused)> Use(byte[] hash, CancellationToken ct)
    {
        var next = NewToken();
        await using var renew = database.CreateCommand(
            """
            with seen as (
                select used_at is null as unused from crm.refresh_tokens where token_hash = $1),
            used as (
                update crm.refresh_tokens t set used_at = $2
                where t.token_hash = $1 and t.used_at is null and t.revoked_at is null and t.expires_at > $2
                  and not exists (select from crm.refresh_tokens r where r.family = t.family and r.revoked_at is not null)
                  and (t.security_stamp is null
                       or t.security_stamp = (select c.security_stamp from crm.credentials c where c.user_id = t.user_id))
                returning t.family, t.user_id, t.expires_at, t.security_stamp),
            successor as (
                insert into crm.refresh_tokens (token_hash, family, user_id, issued_at, expires_at, security_stamp)
                select $3, family, user_id, $2, expires_at, security_stamp from used)
            select used.family, used.user_id, seen.unused from seen left join used on true
            """);
        renew.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = hash });
        renew.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        renew.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = HashOf(next) });
        await using var row = await renew.ExecuteReaderAsync(ct);
        if (!await row.ReadAsync(ct))
        {
            return (null, WasUnused: false);
        }

        var session = await row.IsDBNullAsync(0, ct) ? null : new RenewableSession(row.GetGuid(0), row.GetGuid(1), next);
        return (session, row.GetBoolean(2));
    }
}

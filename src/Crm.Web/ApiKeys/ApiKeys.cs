using System.Security.Claims;
using System.Security.Cryptography;
using Crm.Application.ApiKeys;
using Crm.Application.Permissions;
using Crm.Domain.ApiKeys;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Crm.Web.Security;
using Npgsql;

namespace Crm.Web.ApiKeys;

/// <summary>
/// API keys: their secrets' hashes stand in a table, what they may stands in the log. A hash without a stream opens nothing, and a key is
/// never worth more than its user is at the moment.
/// </summary>
public sealed class ApiKeys(NpgsqlDataSource database, EventLog log, ScopeReader scopes, TimeProvider clock)
{
    /// <summary>The key does not speak for whom it was asked to.</summary>
    public static Problem NotOnBehalfOf { get; } = new(
        403, "not-on-behalf-of", "Not permitted.", "This key does not act for that user: it may act for nobody else, or the user has more rights or none.");

    private static readonly TimeSpan BetweenUses = TimeSpan.FromMinutes(1);
    private static readonly byte[] NobodysHash = RandomNumberGenerator.GetBytes(SHA256.HashSizeInBytes);

    /// <summary>Keeps a new key's hash; the key's stream follows.</summary>
    public async Task Add(ApiKeyText key, CancellationToken ct)
    {
        await using var command = database.CreateCommand("insert into crm.api_keys (id, secret_hash, created_at) values ($1, $2, $3)");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = key.Id });
        command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = key.Hash });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = clock.GetUtcNow() });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Forgets the hash of a key that was not issued after all.</summary>
    public async Task Remove(Guid id, CancellationToken ct)
    {
        await using var command = database.CreateCommand("delete from crm.api_keys where id = $1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>The keys whose ids follow another, in order of id, each with the time of its last use.</summary>
    public async Task<IReadOnlyList<(Guid Id, DateTimeOffset? LastUsedAt)>> After(Guid after, int limit, CancellationToken ct)
    {
        await using var command = database.CreateCommand("select id, last_used_at from crm.api_keys where id > $1 order by id limit $2");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        await using var row = await command.ExecuteReaderAsync(ct);
        var keys = new List<(Guid, DateTimeOffset?)>();
        while (await row.ReadAsync(ct))
        {
            keys.Add((row.GetGuid(0), row.IsDBNull(1) ? null : row.GetFieldValue<DateTimeOffset>(1)));
        }

        return keys;
    }

    /// <summary>When a key was last used, to the minute; null when it was not.</summary>
    public async Task<DateTimeOffset?> LastUsed(Guid id, CancellationToken ct)
    {
        await using var command = database.CreateCommand("select last_used_at from crm.api_keys where id = $1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        return await command.ExecuteScalarAsync(ct) is DateTime used ? new DateTimeOffset(used, TimeSpan.Zero) : null;
    }

    /// <summary>Verifies a key; null when its secret is not the one that was issued, for whatever reason.</summary>
    /// <param name="text">What the request brings.</param>
    /// <param name="onBehalfOf">The user for whom the request is to act; null when it acts for the key's own.</param>
    /// <param name="ct">Gives up.</param>
    public async ValueTask<Proof?> Verify(string text, string? onBehalfOf, CancellationToken ct)
    {
        if (ApiKeyText.Parse(text) is not { } key)
        {
            return null;
        }

        // As long for an id that is not there as for one that is.
        var stored = await HashOf(key.Id, ct);
        var fits = CryptographicOperations.FixedTimeEquals(key.Hash, stored ?? NobodysHash);
        if (stored is null || !fits)
        {
            return null;
        }

        var issued = await log.ReadApiKey(key.Id, ct);
        return issued.Exists ? new KeyProof(this, key.Id, issued, onBehalfOf) : null;
    }

    private DateTimeOffset Now => clock.GetUtcNow();

    private async Task<byte[]?> HashOf(Guid id, CancellationToken ct)
    {
        await using var command = database.CreateCommand("select secret_hash from crm.api_keys where id = $1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        return await command.ExecuteScalarAsync(ct) as byte[];
    }

    private async Task<Admission> Look(Guid id, string? onBehalfOf, CancellationToken ct)
    {
        var key = await log.ReadApiKey(id, ct);
        var owner = await log.ReadUser(key.UserId, ct);
        if (key.IsRevoked || !owner.IsActive)
        {
            return Admission.None;
        }

        if (onBehalfOf is null)
        {
            return new Admission(await CallerOf(id, key, key.UserId, owner, ct));
        }

        if (!key.ActsForOthers || !Guid.TryParseExact(onBehalfOf, "D", out var userId))
        {
            return new Admission(Caller: null, NotOnBehalfOf);
        }

        var user = await log.ReadUser(userId, ct);
        return user.IsActive && MaySpeakFor(owner.Role, user.Role)
            ? new Admission(await CallerOf(id, key, userId, user, ct))
            : new Admission(Caller: null, NotOnBehalfOf);
    }

    // Whoever holds a key gains no right by naming somebody else that the key's own user has not.
    private static bool MaySpeakFor(Role owner, Role user) =>
        owner == user || owner == Role.Admin || (owner == Role.Manager && user == Role.Agent);

    private async Task<ClaimsPrincipal> CallerOf(Guid id, ApiKey key, Guid userId, User user, CancellationToken ct) => new(new CallerIdentity(
        [
            new Claim(Caller.UserIdClaim, userId.ToString()),
            new Claim(Caller.NameClaim, user.Name),
            new Claim(Caller.RoleClaim, Roles.NameOf(user.Role)),
            new Claim(RequestHeaders.ApiKey, id.ToString()),
        ],
        await scopes.Of(userId, user, ct))
    {
        KeyScopes = key.Scopes.ToHashSet(StringComparer.Ordinal),
        ActorId = key.UserId.ToString(),
        OnBehalfOf = userId == key.UserId ? null : userId,
    });

    private async Task Touch(Guid id, DateTimeOffset now, CancellationToken ct)
    {
        await using var command = database.CreateCommand("update crm.api_keys set last_used_at = $2 where id = $1 and coalesce(last_used_at < $3, true)");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = now - BetweenUses });
        await command.ExecuteNonQueryAsync(ct);
    }

    private sealed class KeyProof(ApiKeys keys, Guid id, ApiKey issued, string? onBehalfOf) : Proof
    {
        private DateTimeOffset touched = DateTimeOffset.MinValue;

        public override DateTimeOffset EndsAt => issued.ExpiresAt ?? DateTimeOffset.MaxValue;

        public override async Task<Admission> Look(CancellationToken ct)
        {
            var now = keys.Now;
            var admission = await keys.Look(id, onBehalfOf, ct);
            if (admission.Caller is not null && now - touched >= BetweenUses)
            {
                await keys.Touch(id, now, ct);
                touched = now;
            }

            return admission;
        }
    }
}

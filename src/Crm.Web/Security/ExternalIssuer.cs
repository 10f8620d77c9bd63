using System.Text.Json;
using Crm.Domain.Users;

namespace Crm.Web.Security;

/// <summary>What a token of another issuer says.</summary>
/// <param name="Subject">Whom it names (<c>sub</c>).</param>
/// <param name="Name">The user's name, for people.</param>
/// <param name="Role">Our role that follows from its claims.</param>
/// <param name="IssuedAt">When it was issued (<c>iat</c>).</param>
/// <param name="ExpiresAt">Until when it counts (<c>exp</c>).</param>
public sealed record ExternalToken(string Subject, string Name, Role Role, DateTimeOffset IssuedAt, DateTimeOffset ExpiresAt);

/// <summary>
/// Another issuer (OpenID Connect Discovery): its keys, fetched when they are needed and kept, and what its tokens mean here. Its keys
/// outlast it: those that are known count for a day while it cannot be reached.
/// </summary>
public sealed partial class ExternalIssuer(IssuerOptions options, IssuerFetch fetch, TimeProvider clock, ILogger<ExternalIssuer> logger) : IDisposable
{
    private const int MostSubject = 255;
    private const int MostName = 200;

    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Stale = TimeSpan.FromHours(24);
    private static readonly TimeSpan BetweenUnknown = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan BetweenFailures = TimeSpan.FromSeconds(10);
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };
    private static readonly Role[] ByRight = [Role.Ops, Role.Auditor, Role.Agent, Role.Manager, Role.Admin];

    private readonly SemaphoreSlim fetching = new(1, 1);
    private Published? published;
    private DateTimeOffset triedAt = DateTimeOffset.MinValue;
    private volatile bool isAway;

    /// <summary>Who it is (<c>iss</c>).</summary>
    public string Name => options.Issuer;

    /// <summary>The issuer's key of this id; null when it has none, or it cannot be asked and nothing recent enough is known.</summary>
    public async ValueTask<VerifyingKey?> KeyNamed(string kid, CancellationToken ct)
    {
        if (Find(kid, Fresh) is { } known)
        {
            return known;
        }

        // The fetch is everybody's, so it is not one request's to cancel. While the issuer is away nobody waits who can go on without it.
        var refreshed = Refresh(kid);
        if (!isAway || Find(kid, Stale) is null)
        {
            await refreshed.WaitAsync(ct);
        }

        return Find(kid, Stale);
    }

    /// <summary>Reads a token that was signed by one of the issuer's keys; null when it is not for us, not yet or no longer valid, or names no role.</summary>
    public ExternalToken? Read(byte[] claims)
    {
        try
        {
            using var json = JsonDocument.Parse(claims, Strict);
            var all = json.RootElement;
            if (!all.GetProperty("iss").ValueEquals(options.Issuer)
                || !IsForUs(all.GetProperty("aud"))
                || all.GetProperty("sub").GetString() is not { Length: > 0 and <= MostSubject } subject
                || RoleOf(all) is not { } role)
            {
                return null;
            }

            var (issuedAt, expiresAt) = (Seconds(all.GetProperty("iat")), Seconds(all.GetProperty("exp")));
            var notBefore = all.TryGetProperty("nbf", out var nbf) ? Seconds(nbf) : issuedAt;
            var now = clock.GetUtcNow();
            return now < expiresAt && now + Skew >= notBefore && now + Skew >= issuedAt && subject.All(static letter => !char.IsControl(letter))
                ? new ExternalToken(subject, NameOf(all) ?? subject, role, issuedAt, expiresAt)
                : null;
        }
        catch (Exception foreign) when (foreign is JsonException or InvalidOperationException or KeyNotFoundException
            or FormatException or ArgumentOutOfRangeException or OverflowException)
        {
            // A claim is missing, has another type or is out of range.
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => fetching.Dispose();

    private static DateTimeOffset Seconds(JsonElement number) => number.TryGetInt64(out var whole)
        ? DateTimeOffset.FromUnixTimeSeconds(whole)
        : DateTimeOffset.FromUnixTimeSeconds(checked((long)Math.Floor(number.GetDouble())));

    private async Task Refresh(string kid)
    {
        await fetching.WaitAsync(CancellationToken.None);
        try
        {
            // Whoever waited here may find what the one before has fetched.
            var now = clock.GetUtcNow();
            if (Find(kid, Fresh) is null && now - triedAt >= Patience(now))
            {
                triedAt = now;
                var fetched = await Fetch(now, CancellationToken.None);
                isAway = fetched is null;
                Volatile.Write(ref published, fetched ?? published);
            }
        }
        finally
        {
            fetching.Release();
        }
    }

    private VerifyingKey? Find(string kid, TimeSpan atMost) =>
        Volatile.Read(ref published) is { } known && clock.GetUtcNow() - known.FetchedAt < atMost ? known.Keys.GetValueOrDefault(kid) : null;

    // Invented key ids, and an issuer that is down, must not make us ask it again and again.
    private TimeSpan Patience(DateTimeOffset now) =>
        isAway ? BetweenFailures
        : published is { } known && now - known.FetchedAt < Fresh ? BetweenUnknown
        : TimeSpan.Zero;

    private async Task<Published?> Fetch(DateTimeOffset now, CancellationToken ct)
    {
        try
        {
            var metadata = await fetch.Get(options.Metadata, options.AllowPrivateNetwork, ct);
            if (KeysAddressOf(metadata) is not { } address)
            {
                LogUnusable(options.Issuer);
                return null;
            }

            if (JsonWebKeySet.Read(await fetch.Get(address, options.AllowPrivateNetwork, ct)) is { } keys)
            {
                return new Published(keys, now);
            }

            LogUnusable(options.Issuer);
            return null;
        }
        catch (Exception away) when (away is HttpRequestException or IOException || (away is OperationCanceledException && !ct.IsCancellationRequested))
        {
            LogAway(options.Issuer, away.Message);
            return null;
        }
    }

    // The metadata must be that issuer's own, and its keys must stand on the same host or on one that the operator has named.
    private Uri? KeysAddressOf(byte[] metadata)
    {
        try
        {
            using var json = JsonDocument.Parse(metadata, Strict);
            return json.RootElement.GetProperty("issuer").ValueEquals(options.Issuer)
                && Uri.TryCreate(json.RootElement.GetProperty("jwks_uri").GetString(), UriKind.Absolute, out var address)
                && address.Scheme == options.Metadata.Scheme
                && (string.Equals(address.Authority, options.Metadata.Authority, StringComparison.OrdinalIgnoreCase)
                    || options.KeyHosts.Contains(address.Authority, StringComparer.OrdinalIgnoreCase))
                ? address
                : null;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return null;
        }
    }

    private bool IsForUs(JsonElement audience) => audience.ValueKind == JsonValueKind.Array
        ? audience.EnumerateArray().Any(one => one.ValueKind == JsonValueKind.String && one.ValueEquals(options.Audience))
        : audience.ValueEquals(options.Audience);

    // Of several roles the one with the most rights counts.
    private Role? RoleOf(JsonElement claims)
    {
        if (!claims.TryGetProperty(options.RoleClaim, out var stated))
        {
            return null;
        }

        Role? highest = null;
        foreach (var value in stated.ValueKind == JsonValueKind.Array ? [.. stated.EnumerateArray()] : new[] { stated })
        {
            if (value.ValueKind == JsonValueKind.String
                && options.Roles.TryGetValue(value.GetString() ?? "", out var name)
                && Roles.TryParse(name, out var role)
                && (highest is not { } other || Array.IndexOf(ByRight, role) > Array.IndexOf(ByRight, other)))
            {
                highest = role;
            }
        }

        return highest;
    }

    private string? NameOf(JsonElement claims)
    {
        var name = claims.TryGetProperty(options.NameClaim, out var stated) && stated.ValueKind == JsonValueKind.String ? stated.GetString() : null;
        return string.IsNullOrWhiteSpace(name) || name.Length > MostName || name.Any(char.IsControl) ? null : name;
    }

    [LoggerMessage(LogLevel.Warning, "The issuer {Issuer} cannot be asked for its keys; those that are known count on: {Reason}")]
    private partial void LogAway(string issuer, string reason);

    [LoggerMessage(LogLevel.Warning, "What the issuer {Issuer} publishes cannot be used: no metadata of its own, or no key set where it may stand.")]
    private partial void LogUnusable(string issuer);

    private sealed record Published(IReadOnlyDictionary<string, VerifyingKey> Keys, DateTimeOffset FetchedAt);
}

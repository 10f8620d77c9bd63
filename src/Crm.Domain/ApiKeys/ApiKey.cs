using System.Diagnostics;

namespace Crm.Domain.ApiKeys;

/// <summary>An API key as decisions need it: a fold of its events.</summary>
public sealed record ApiKey
{
    /// <summary>Before the first event: there is no such key.</summary>
    public static ApiKey Initial { get; } = new();

    /// <summary>How an API key's stream is folded.</summary>
    public static Aggregate<ApiKey, ApiKeyEvent> Aggregate { get; } = new("api-key", Initial, Evolve, (_, _) => []);

    /// <summary>Whether there is such a key.</summary>
    public bool Exists { get; init; }

    /// <summary>What it is for, for people.</summary>
    public string Name { get; init; } = "";

    /// <summary>The user whose rights it has at most.</summary>
    public Guid UserId { get; init; }

    /// <summary>What it may be used for.</summary>
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>When it ends by itself; null when it does not.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether it may act on behalf of other users.</summary>
    public bool ActsForOthers { get; init; }

    /// <summary>Whether it was ended.</summary>
    public bool IsRevoked { get; init; }

    /// <summary>The state after an event. Total: a test evolves every stored type.</summary>
    public static ApiKey Evolve(ApiKey key, ApiKeyEvent happened) => happened switch
    {
        ApiKeyIssued issued => key with
        {
            Exists = true,
            Name = issued.Name,
            UserId = issued.UserId,
            Scopes = issued.Scopes,
            ExpiresAt = issued.ExpiresAt,
            ActsForOthers = issued.ActsForOthers,
        },
        ApiKeyRevoked => key with { IsRevoked = true },
        _ => throw new UnreachableException($"No Evolve case for {happened.GetType().Name}"),
    };
}

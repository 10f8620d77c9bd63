namespace Crm.Domain.ApiKeys;

/// <summary>Something that happened to an API key. Neither the key nor its hash ever stands in the log.</summary>
public abstract record ApiKeyEvent
{
    private protected ApiKeyEvent()
    {
    }

    /// <summary>The name under which each event is stored, for good: a literal, never changed, never reused.</summary>
    public static IReadOnlyDictionary<string, Type> StoredNames { get; } = new Dictionary<string, Type>(StringComparer.Ordinal)
    {
        ["api-key-issued"] = typeof(ApiKeyIssued),
        ["api-key-revoked"] = typeof(ApiKeyRevoked),
    };
}

/// <summary>An API key was issued; it was shown once.</summary>
/// <param name="Name">What it is for, for people.</param>
/// <param name="UserId">The user whose rights it has at most.</param>
/// <param name="Scopes">What it may be used for, such as <c>leads:read</c>; sorted, without repetition.</param>
/// <param name="ExpiresAt">When it ends by itself; null when it does not.</param>
/// <param name="ActsForOthers">Whether it may act on behalf of other users.</param>
public sealed record ApiKeyIssued(string Name, Guid UserId, IReadOnlyList<string> Scopes, DateTimeOffset? ExpiresAt, bool ActsForOthers)
    : ApiKeyEvent
{
    /// <inheritdoc/>
    public bool Equals(ApiKeyIssued? other) => other is not null
        && (Name, UserId, ExpiresAt, ActsForOthers) == (other.Name, other.UserId, other.ExpiresAt, other.ActsForOthers)
        && Scopes.SequenceEqual(other.Scopes, StringComparer.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, UserId, ExpiresAt, ActsForOthers, Scopes.Count);
}

/// <summary>The API key counts no longer.</summary>
public sealed record ApiKeyRevoked : ApiKeyEvent;

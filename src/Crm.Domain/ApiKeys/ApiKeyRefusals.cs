namespace Crm.Domain.ApiKeys;

/// <summary>Every fact that may forbid a command to an API key. The codes are part of the HTTP contract.</summary>
public static class ApiKeyRefusals
{
    /// <summary>There is no such key.</summary>
    public static Refusal NotFound { get; } = new("not-found", "There is no such API key.", RefusalKind.NotFound);

    /// <summary>A key with this id was issued before.</summary>
    public static Refusal AlreadyExists { get; } = new("already-exists", "There is an API key with this id already.");

    /// <summary>A key needs a name.</summary>
    public static Refusal NoName { get; } = new("invalid", "An API key needs a name.", RefusalKind.Invalid, "/name");

    /// <summary>A scope is none that there is, or there is none at all.</summary>
    public static Refusal UnknownScope { get; } = new(
        "unknown-scope", $"An API key needs scopes, each of them one of {string.Join(", ", ApiKeyScopes.All.Order(StringComparer.Ordinal))}.", RefusalKind.Invalid, "/scopes");

    /// <summary>The key would have ended before it began.</summary>
    public static Refusal Expired { get; } = new("expired", "An API key cannot end before it is issued.", RefusalKind.Invalid, "/expiresAt");

    /// <summary>There is no user with the id that was given.</summary>
    public static Refusal UnknownUser { get; } = new("unknown-user", "There is no such user.", RefusalKind.Invalid, "/userId");

    /// <summary>The user may not sign in, so no key can speak for them.</summary>
    public static Refusal UserInactive { get; } = new("agent-inactive", "The user is not active.");
}

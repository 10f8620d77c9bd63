using System.Collections.Frozen;

namespace Crm.Domain.ApiKeys;

/// <summary>What an API key may be used for: each scope admits to some of what its user may do, never to more.</summary>
public static class ApiKeyScopes
{
    /// <summary>All scopes, by name; part of the HTTP contract.</summary>
    public static IReadOnlySet<string> All { get; } = new[]
    {
        "audit:read", "events:read", "leads:export", "leads:read", "leads:write", "ops", "reports:read", "users:manage",
    }.ToFrozenSet(StringComparer.Ordinal);
}

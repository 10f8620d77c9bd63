namespace Crm.Domain.Users;

/// <summary>Something that happened to a user. Credentials never stand in the log.</summary>
public abstract record UserEvent
{
    private protected UserEvent()
    {
    }

    /// <summary>The name under which each event is stored, for good: a literal, never changed, never reused.</summary>
    public static IReadOnlyDictionary<string, Type> StoredNames { get; } = new Dictionary<string, Type>(StringComparer.Ordinal)
    {
        ["user-registered"] = typeof(UserRegistered),
        ["user-renamed"] = typeof(UserRenamed),
        ["user-role-changed"] = typeof(UserRoleChanged),
        ["user-deactivated"] = typeof(UserDeactivated),
        ["user-activated"] = typeof(UserActivated),
        ["user-oversight-changed"] = typeof(UserOversightChanged),
        ["user-identity-linked"] = typeof(UserIdentityLinked),
    };
}

/// <summary>A user was registered. Agents are users: leads belong to them.</summary>
/// <param name="Name">The user's name, for people.</param>
/// <param name="Email">The address that the user signs in with; null for an agent who is known from imported history only.</param>
/// <param name="Role">What the user may do.</param>
/// <param name="IsActive">False for an agent who is known from imported history only.</param>
public sealed record UserRegistered(
    [property: Personal(ErasedAs = PersonalAttribute.Erased)] string Name,
    [property: Personal] string? Email,
    Role Role,
    bool IsActive) : UserEvent;

/// <summary>The user's name changed.</summary>
public sealed record UserRenamed([property: Personal(ErasedAs = PersonalAttribute.Erased)] string Name) : UserEvent;

/// <summary>What the user may do changed.</summary>
public sealed record UserRoleChanged(Role Role) : UserEvent;

/// <summary>The user may no longer sign in; no lead can be given to them.</summary>
public sealed record UserDeactivated([property: Personal] string? Reason) : UserEvent;

/// <summary>The user may sign in again.</summary>
public sealed record UserActivated([property: Personal] string? Reason) : UserEvent;

/// <summary>Whose leads a manager oversees changed.</summary>
public sealed record UserOversightChanged(Oversight Oversight) : UserEvent;

/// <summary>The user signs in by another issuer's tokens from now on; an identity linked before counts no longer.</summary>
/// <param name="Issuer">The issuer, as its tokens name it.</param>
/// <param name="Subject">Whom the issuer's tokens name.</param>
public sealed record UserIdentityLinked(string Issuer, [property: Personal(ErasedAs = PersonalAttribute.Erased)] string Subject)
    : UserEvent;

/// <summary>Whose leads a manager oversees; other roles are not asked.</summary>
public enum Oversight
{
    /// <summary>Everybody's.</summary>
    Company,

    /// <summary>Those of the manager's teams, and those that belong to nobody.</summary>
    Teams,
}

/// <summary>What a user may do.</summary>
public enum Role
{
    /// <summary>Works on leads.</summary>
    Agent,

    /// <summary>Leads agents: assigns, archives, restores, reads reports.</summary>
    Manager,

    /// <summary>May do everything, users included.</summary>
    Admin,

    /// <summary>Reads everything, the audit trail included; changes nothing.</summary>
    Auditor,

    /// <summary>Operates the system: projections, jobs, integrity; sees no personal data.</summary>
    Ops,
}

using System.Diagnostics;

namespace Crm.Domain.Users;

/// <summary>A user as decisions need it: a fold of the user's events.</summary>
public sealed record User
{
    /// <summary>Before the first event: there is no such user.</summary>
    public static User Initial { get; } = new();

    /// <summary>How a user's stream is folded.</summary>
    public static Aggregate<User, UserEvent> Aggregate { get; } = new("user", Initial, Evolve, (_, _) => []);

    /// <summary>Whether there is such a user.</summary>
    public bool Exists { get; init; }

    /// <summary>The user's name, for people.</summary>
    public string Name { get; init; } = "";

    /// <summary>The address that the user signs in with.</summary>
    public string? Email { get; init; }

    /// <summary>What the user may do.</summary>
    public Role Role { get; init; }

    /// <summary>Whether the user may sign in and be given leads.</summary>
    public bool IsActive { get; init; }

    /// <summary>Whose leads the user oversees as a manager.</summary>
    public Oversight Oversight { get; init; }

    /// <summary>Who the user is to another issuer of tokens; null when none was linked.</summary>
    public ExternalIdentity? Identity { get; init; }

    /// <summary>The state after an event. Total: a test evolves every stored type.</summary>
    public static User Evolve(User user, UserEvent happened) => happened switch
    {
        UserRegistered registered => user with
        {
            Exists = true,
            Name = registered.Name,
            Email = registered.Email,
            Role = registered.Role,
            IsActive = registered.IsActive,
        },
        UserRenamed renamed => user with { Name = renamed.Name },
        UserRoleChanged changed => user with { Role = changed.Role },
        UserDeactivated => user with { IsActive = false },
        UserActivated => user with { IsActive = true },
        UserOversightChanged changed => user with { Oversight = changed.Oversight },
        UserIdentityLinked linked => user with { Identity = new ExternalIdentity(linked.Issuer, linked.Subject) },
        _ => throw new UnreachableException($"No Evolve case for {happened.GetType().Name}"),
    };
}

/// <summary>Who somebody is to an issuer of tokens.</summary>
/// <param name="Issuer">The issuer, as its tokens name it.</param>
/// <param name="Subject">Whom the issuer's tokens name.</param>
public sealed record ExternalIdentity(string Issuer, string Subject);

namespace Crm.Domain.Teams;

/// <summary>Something that happened to a team. Who shares a team may see each other's leads.</summary>
public abstract record TeamEvent
{
    private protected TeamEvent()
    {
    }

    /// <summary>The name under which each event is stored, for good: a literal, never changed, never reused.</summary>
    public static IReadOnlyDictionary<string, Type> StoredNames { get; } = new Dictionary<string, Type>(StringComparer.Ordinal)
    {
        ["team-formed"] = typeof(TeamFormed),
        ["team-renamed"] = typeof(TeamRenamed),
        ["team-member-added"] = typeof(TeamMemberAdded),
        ["team-member-removed"] = typeof(TeamMemberRemoved),
        ["team-disbanded"] = typeof(TeamDisbanded),
    };
}

/// <summary>A team was formed; nobody belongs to it yet.</summary>
/// <param name="Name">The team's name, for people; no two teams share one.</param>
public sealed record TeamFormed(string Name) : TeamEvent;

/// <summary>The team's name changed.</summary>
public sealed record TeamRenamed(string Name) : TeamEvent;

/// <summary>A user joined the team.</summary>
public sealed record TeamMemberAdded(Guid UserId) : TeamEvent;

/// <summary>A user left the team.</summary>
public sealed record TeamMemberRemoved(Guid UserId) : TeamEvent;

/// <summary>The team is no more: its members no longer share leads through it.</summary>
public sealed record TeamDisbanded : TeamEvent;

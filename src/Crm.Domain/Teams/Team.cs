using System.Collections.Immutable;
using System.Diagnostics;

namespace Crm.Domain.Teams;

/// <summary>A team as decisions need it: a fold of the team's events.</summary>
public sealed record Team
{
    /// <summary>Before the first event: there is no such team.</summary>
    public static Team Initial { get; } = new();

    /// <summary>How a team's stream is folded.</summary>
    public static Aggregate<Team, TeamEvent> Aggregate { get; } = new("team", Initial, Evolve, (_, _) => []);

    /// <summary>Whether there is such a team; a disbanded one is there no more.</summary>
    public bool Exists { get; init; }

    /// <summary>Whether the team was disbanded: it is not formed again under its id.</summary>
    public bool IsDisbanded { get; init; }

    /// <summary>The team's name, for people.</summary>
    public string Name { get; init; } = "";

    /// <summary>The users who belong to it.</summary>
    public ImmutableSortedSet<Guid> Members { get; init; } = [];

    /// <summary>The state after an event. Total: a test evolves every stored type.</summary>
    public static Team Evolve(Team team, TeamEvent happened) => happened switch
    {
        TeamFormed formed => team with { Exists = true, Name = formed.Name },
        TeamRenamed renamed => team with { Name = renamed.Name },
        TeamMemberAdded added => team with { Members = team.Members.Add(added.UserId) },
        TeamMemberRemoved removed => team with { Members = team.Members.Remove(removed.UserId) },
        TeamDisbanded => team with { Exists = false, IsDisbanded = true, Members = [] },
        _ => throw new UnreachableException($"No Evolve case for {happened.GetType().Name}"),
    };
}

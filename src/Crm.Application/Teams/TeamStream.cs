using Crm.Application.Permissions;
using Crm.Domain;
using Crm.Domain.Teams;
using Crm.EventStore.Log;

namespace Crm.Application.Teams;

/// <summary>
/// A team's stream: no two teams share a name, and each membership is a unique key, so that who belongs together is known in the very
/// transaction that changes it.
/// </summary>
public static class TeamStream
{
    /// <summary>The scope of teams' names among the log's unique keys.</summary>
    public const string NameScope = "team-name";

    /// <summary>Another team has this name.</summary>
    public static Refusal DuplicateName { get; } = new("duplicate-name", "Another team has this name.");

    /// <summary>How commands meet it.</summary>
    public static StreamKind<Team, TeamEvent> Kind { get; } = new(Team.Aggregate, KeysOf, DuplicateName, AdminsOnly.Of);

    private static IReadOnlyList<UniqueKey> KeysOf(Guid id, Team team) => !team.Exists ? [] :
    [
        new UniqueKey(NameScope, team.Name.ToLowerInvariant(), id),
        .. team.Members.Select(member => new UniqueKey(ScopeReader.MemberScope, ScopeReader.KeyOf(member, id), id)),
    ];
}

using Crm.Application.Permissions;
using Crm.Application.Teams;
using Crm.Application.Users;
using Crm.Domain.Teams;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.Web.Security;
using Npgsql;

namespace Crm.Web.Teams;

/// <summary>A team as clients see it.</summary>
/// <param name="Id">The team's id.</param>
/// <param name="Name">Its name.</param>
/// <param name="Members">Who belongs to it.</param>
/// <param name="Version">The stream's version, for <c>If-Match</c>.</param>
public sealed record TeamBody(Guid Id, string Name, IReadOnlyList<TeamMember> Members, long Version);

/// <summary>Somebody who belongs to a team.</summary>
/// <param name="Id">The user's id.</param>
/// <param name="Name">The name, for people.</param>
/// <param name="Role">What the user may do.</param>
/// <param name="Active">Whether the user may sign in and be given leads.</param>
public sealed record TeamMember(Guid Id, string Name, Role Role, bool Active);

/// <summary>A page of teams.</summary>
/// <param name="Items">The teams, in the order of their ids.</param>
/// <param name="NextCursor">Where the next page begins; null on the last one.</param>
public sealed record TeamPage(IReadOnlyList<TeamBody> Items, string? NextCursor);

/// <summary>Somebody to whom leads can be given.</summary>
/// <param name="Id">The user's id.</param>
/// <param name="Name">The name, for people.</param>
/// <param name="Role">What the user may do.</param>
/// <param name="Active">Whether leads can be given to the user now.</param>
/// <param name="TeamIds">The teams that the user belongs to, of those that the caller may see.</param>
public sealed record AgentItem(Guid Id, string Name, Role Role, bool Active, IReadOnlyList<Guid> TeamIds);

/// <summary>A page of those to whom leads can be given.</summary>
/// <param name="Items">They, in the order of their ids.</param>
/// <param name="NextCursor">Where the next page begins; null on the last one.</param>
public sealed record AgentPage(IReadOnlyList<AgentItem> Items, string? NextCursor);

/// <summary>
/// Teams and their members, straight from the log: which there are is known by the unique keys that they hold, what they are by folding
/// their streams. Few, asked for seldom, and never behind.
/// </summary>
public sealed class TeamDirectory(NpgsqlDataSource database, EventLog log)
{
    private static readonly string[] UserScopes = [UserStream.EmailScope, UserStream.IdentityScope, "user-external-id"];

    /// <summary>The teams whose ids follow another and that somebody may see, in order of id.</summary>
    public async Task<IReadOnlyList<TeamBody>> Teams(Scope scope, Guid after, int limit, CancellationToken ct)
    {
        var teams = new List<TeamBody>(limit);
        var ids = scope.SeesAll
            ? await Living(after, limit, ct)
            : (await OfUser(scope.UserId, ct)).Where(id => id > after).Take(limit);
        foreach (var id in ids)
        {
            if (await Team(scope, id, ct) is { } team)
            {
                teams.Add(team);
            }
        }

        return teams;
    }

    /// <summary>A team; null when there is none, or none that somebody may see.</summary>
    public async Task<TeamBody?> Team(Scope scope, Guid id, CancellationToken ct)
    {
        var history = await log.ReadStream(id, ct);
        if (history is not [{ Data: TeamEvent }, ..])
        {
            return null;
        }

        var team = Domain.Teams.Team.Aggregate.Fold(history.Select(recorded => (TeamEvent)recorded.Data));
        if (!team.Exists || !(scope.SeesAll || team.Members.Contains(scope.UserId)))
        {
            return null;
        }

        var members = new List<TeamMember>(team.Members.Count);
        foreach (var member in team.Members)
        {
            var user = await log.ReadUser(member, ct);
            members.Add(new TeamMember(member, user.Name, user.Role, user.IsActive));
        }

        return new TeamBody(id, team.Name, members, history.Count);
    }

    /// <summary>Those to whom somebody may give leads and whose ids follow another, in order of id.</summary>
    public async Task<IReadOnlyList<AgentItem>> Agents(Scope scope, Guid after, int limit, CancellationToken ct)
    {
        var own = scope.SeesAll ? null : await OfUser(scope.UserId, ct);
        var agents = new List<AgentItem>(limit);
        foreach (var id in scope.SeesAll ? await Users(after, limit, ct) : scope.Team.Order().Where(id => id > after).Take(limit))
        {
            var user = await log.ReadUser(id, ct);
            var teams = await OfUser(id, ct);
            agents.Add(new AgentItem(id, user.Name, user.Role, user.IsActive, [.. teams.Where(team => own is null || own.Contains(team))]));
        }

        return agents;
    }

    private Task<List<Guid>> Living(Guid after, int limit, CancellationToken ct) => Ids(
        "select distinct stream_id from crm.unique_keys where scope = any($1) and stream_id > $2 order by stream_id limit $3",
        [TeamStream.NameScope], after, limit, ct);

    private Task<List<Guid>> Users(Guid after, int limit, CancellationToken ct) => Ids(
        "select distinct stream_id from crm.unique_keys where scope = any($1) and stream_id > $2 order by stream_id limit $3",
        UserScopes, after, limit, ct);

    private async Task<List<Guid>> Ids(string sql, string[] scopes, Guid after, int limit, CancellationToken ct)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = scopes });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        return await Read(command, ct);
    }

    /// <summary>The teams that a user belongs to, in order of id.</summary>
    public async Task<IReadOnlyList<Guid>> OfUser(Guid userId, CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            "select stream_id from crm.unique_keys where scope = 'team-member' and key >= $1 and key < $2 order by stream_id");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{userId:N}/" });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{userId:N}0" }); // '0' follows '/'
        return await Read(command, ct);
    }

    private static async Task<List<Guid>> Read(NpgsqlCommand command, CancellationToken ct)
    {
        var ids = new List<Guid>();
        await using var rows = await command.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
        {
            ids.Add(rows.GetGuid(0));
        }

        return ids;
    }
}

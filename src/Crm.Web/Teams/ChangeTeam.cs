using Crm.Application;
using Crm.Application.Teams;
using Crm.Domain.Teams;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Teams;

/// <summary>Forms and changes teams.</summary>
public static class ChangeTeamEndpoints
{
    /// <summary>Forms a team; answers 201 with its address.</summary>
    public static async Task<IResult> Form(Posted<FormTeamRequest> posted, CommandRunner commands, CancellationToken ct)
    {
        var id = posted.Body.Id ?? Guid.CreateVersion7(posted.Context.Now);
        return (await commands.Begin(TeamStream.Kind, id, new FormTeam(posted.Body.Name), posted.Context, ct)).ToHttp("/api/v1/teams/");
    }

    /// <summary>Changes a team's name.</summary>
    public static async Task<IResult> Rename(Guid id, Posted<RenameTeamRequest> posted, CommandRunner commands, CancellationToken ct) =>
        (await commands.Run(TeamStream.Kind, id, new RenameTeam(posted.Body.Name), posted.Context, ct)).ToHttp();

    /// <summary>Lets a user join: within seconds they and the members see each other's leads on every host.</summary>
    public static async Task<IResult> Add(
        Guid id, Posted<AddMemberRequest> posted, CommandRunner commands, EventLog log, CancellationToken ct)
    {
        var userId = posted.Body.UserId.GetValueOrDefault();
        var user = await log.ReadUser(userId, ct);
        return (await commands.Run(TeamStream.Kind, id, new AddTeamMember(userId, user.Exists), posted.Context, ct)).ToHttp();
    }

    /// <summary>Takes a user out: within seconds they and the members are strangers on every host.</summary>
    public static async Task<IResult> Remove(Guid id, Guid userId, Posted<NoBody> posted, CommandRunner commands, CancellationToken ct) =>
        (await commands.Run(TeamStream.Kind, id, new RemoveTeamMember(userId), posted.Context, ct)).ToHttp();

    /// <summary>Ends a team.</summary>
    public static async Task<IResult> Disband(Guid id, Posted<DisbandTeamRequest> posted, CommandRunner commands, CancellationToken ct) =>
        (await commands.Run(TeamStream.Kind, id, new DisbandTeam(), posted.Because(posted.Body.Reason), ct)).ToHttp();
}

using System.Text.Json.Serialization;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Teams;

/// <summary>The routes of teams, and of agents as those see them who give leads.</summary>
public static class TeamRoutes
{
    /// <summary>Maps them.</summary>
    public static void MapTeams(this IEndpointRouteBuilder api)
    {
        var commands = api.MapGroup("/teams").RequireAuthorization(Policies.UsersManage).WithTags("Teams");
        commands.MapPost("", ChangeTeamEndpoints.Form).WithSummary("Form a team.")
            .Produces<CommandAnswerBody>(201).ProducesProblem(409).ProducesProblem(422);
        commands.MapPatch("/{id:guid}", ChangeTeamEndpoints.Rename).WithSummary("Change a team's name.")
            .Produces<CommandAnswerBody>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(422);
        commands.MapPost("/{id:guid}/members", ChangeTeamEndpoints.Add).WithSummary("Let a user join a team.")
            .Produces<CommandAnswerBody>().ProducesProblem(404).ProducesProblem(422);
        commands.MapPost("/{id:guid}/members/{userId:guid}/remove", ChangeTeamEndpoints.Remove).WithSummary("Take a user out of a team.")
            .Produces<CommandAnswerBody>().ProducesProblem(404);
        commands.MapPost("/{id:guid}/disband", ChangeTeamEndpoints.Disband).WithSummary("End a team.")
            .Produces<CommandAnswerBody>().ProducesProblem(404);

        var queries = api.MapGroup("").RequireAuthorization(Policies.TeamsRead).WithTags("Teams");
        queries.MapGet("/teams", ReadTeamsEndpoints.List).Takes(ReadTeamsEndpoints.Paging).Produces<TeamPage>()
            .WithSummary("The teams: all of them, or those that the caller belongs to.");
        queries.MapGet("/teams/{id:guid}", ReadTeamsEndpoints.Get).Produces<TeamBody>().ProducesProblem(404).WithSummary("Read a team.");
        queries.MapGet("/agents", ReadTeamsEndpoints.Agents).Takes(ReadTeamsEndpoints.Paging).Produces<AgentPage>()
            .WithSummary("To whom leads can be given: everybody, or those who share a team with the caller.");
    }
}

/// <summary>The JSON of teams, source-generated.</summary>
[JsonSerializable(typeof(FormTeamRequest))]
[JsonSerializable(typeof(RenameTeamRequest))]
[JsonSerializable(typeof(AddMemberRequest))]
[JsonSerializable(typeof(DisbandTeamRequest))]
[JsonSerializable(typeof(TeamBody))]
[JsonSerializable(typeof(TeamPage))]
[JsonSerializable(typeof(AgentPage))]
public sealed partial class TeamsJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static TeamsJson Wire { get; } = new(WireFormats.Options());
}

using System.Globalization;
using Crm.Domain.Teams;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Teams;

/// <summary>Answers teams and agents, as far as the caller may see them.</summary>
public static class ReadTeamsEndpoints
{
    private const int DefaultLimit = 25;
    private const int MaxLimit = 200;

    /// <summary>What the lists can be asked for.</summary>
    public static QueryParameter[] Paging { get; } =
    [
        new("limit", ParameterKind.Number, "How many a page holds: 1 to 200, else 25."),
        new("cursor", ParameterKind.Text, "Where the page begins: the nextCursor of the page before."),
    ];

    /// <summary>A page of teams.</summary>
    public static async Task<IResult> List(HttpContext http, TeamDirectory teams, CancellationToken ct)
    {
        var (after, limit) = PageOf(http.Request.Query);
        var page = await teams.Teams(http.User.Scope(), after, limit + 1, ct);
        return Answers.Json(
            page.Count <= limit ? new TeamPage(page, null) : new TeamPage([.. page.Take(limit)], CursorOf(page[limit - 1].Id)),
            TeamsJson.Wire.TeamPage);
    }

    /// <summary>A team; one that the caller does not belong to is not there, unless the caller sees all.</summary>
    public static async Task<IResult> Get(Guid id, HttpContext http, TeamDirectory teams, CancellationToken ct)
    {
        if (await teams.Team(http.User.Scope(), id, ct) is not { } team)
        {
            return Problem.Of(TeamRefusals.NotFound).ToHttp();
        }

        http.Response.Headers.ETag = string.Create(CultureInfo.InvariantCulture, $"\"{team.Version}\"");
        return Answers.Json(team, TeamsJson.Wire.TeamBody);
    }

    /// <summary>A page of those to whom the caller may give leads; without their e-mail addresses.</summary>
    public static async Task<IResult> Agents(HttpContext http, TeamDirectory teams, CancellationToken ct)
    {
        var (after, limit) = PageOf(http.Request.Query);
        var page = await teams.Agents(http.User.Scope(), after, limit + 1, ct);
        return Answers.Json(
            page.Count <= limit ? new AgentPage(page, null) : new AgentPage([.. page.Take(limit)], CursorOf(page[limit - 1].Id)),
            TeamsJson.Wire.AgentPage);
    }

    private static (Guid After, int Limit) PageOf(IQueryCollection query)
    {
        var limit = (int)(query.Number("limit", 1, MaxLimit) ?? DefaultLimit);
        return (query.Text("cursor") is { } cursor ? IdOf(cursor) : Guid.Empty, limit);
    }

    private static string CursorOf(Guid id) => StrictBase64Url.Encode(id.ToByteArray(bigEndian: true));

    private static Guid IdOf(string cursor) => StrictBase64Url.TryDecode(cursor, out var id) && id.Length == 16
        ? new Guid(id, bigEndian: true)
        : throw QueryParameters.Wrong("cursor", "invalid-cursor", "is not a cursor of this list.");
}

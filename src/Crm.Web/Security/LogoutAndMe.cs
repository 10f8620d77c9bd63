using Crm.Domain.Access;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Crm.Web.Teams;
using Crm.Web.Users;

namespace Crm.Web.Security;

/// <summary>Signs the caller out.</summary>
public static class LogoutEndpoint
{
    /// <summary>
    /// Ends the session that the access token belongs to: neither of its tokens counts any more, within seconds on every host.
    /// </summary>
    public static async Task<IResult> Handle(
        Posted<NoBody> posted, HttpContext http, Sessions sessions, AccessFacts facts, CancellationToken ct)
    {
        if ((http.User.Identity as CallerIdentity)?.SessionId is not { } session)
        {
            return SecurityProblems.NotOurSession.ToHttp();
        }

        await sessions.End(session, SessionEnding.SignedOut, ct);
        await facts.SessionEnded(http.User.UserId(), session, SessionEnding.SignedOut, posted.Context.Envelope, ct);
        return TypedResults.NoContent();
    }
}

/// <summary>Who the caller is, and within which bounds.</summary>
/// <param name="Id">The user's id; an agent's id too.</param>
/// <param name="Name">The name, for people.</param>
/// <param name="Email">The address that the user signs in with.</param>
/// <param name="Role">What the user may do.</param>
/// <param name="Oversight">Whose leads the user oversees as a manager.</param>
/// <param name="Active">Whether the user may sign in and be given leads.</param>
/// <param name="RegisteredAt">When the user was registered.</param>
/// <param name="UpdatedAt">When the user last changed.</param>
/// <param name="Version">The stream's version, for <c>If-Match</c>.</param>
/// <param name="TeamIds">The teams that the user belongs to.</param>
/// <param name="Scopes">What the API key that asks may be used for; null where a person asks.</param>
public sealed record MeBody(
    Guid Id, string Name, string? Email, Role Role, Oversight Oversight, bool Active, DateTimeOffset RegisteredAt, DateTimeOffset UpdatedAt,
    long Version, IReadOnlyList<Guid> TeamIds, IReadOnlyList<string>? Scopes);

/// <summary>Says who the caller is.</summary>
public static class MeEndpoint
{
    /// <summary>Answers the user that is signed in, as the log has it now.</summary>
    public static async Task<IResult> Handle(HttpContext http, EventLog log, TeamDirectory teams, CancellationToken ct)
    {
        var id = http.User.UserId();
        var user = UserBody.Of(id, await log.ReadStream(id, ct));
        var scopes = (http.User.Identity as CallerIdentity)?.KeyScopes;
        return Answers.Json(
            new MeBody(
                user.Id, user.Name, user.Email, user.Role, user.Oversight, user.Active, user.RegisteredAt, user.UpdatedAt, user.Version,
                await teams.OfUser(id, ct), scopes is null ? null : [.. scopes.Order(StringComparer.Ordinal)]),
            SecurityJson.Wire.MeBody);
    }
}

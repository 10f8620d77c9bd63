using Crm.Domain.Access;
using Crm.EventStore.Log;
using Crm.Web.Http;
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

/// <summary>Says who the caller is.</summary>
public static class MeEndpoint
{
    /// <summary>Answers the user that is signed in, as the log has it now.</summary>
    public static async Task<IResult> Handle(HttpContext http, EventLog log, CancellationToken ct)
    {
        var id = http.User.UserId();
        return Answers.Json(UserBody.Of(id, await log.ReadStream(id, ct)), SecurityJson.Wire.UserBody);
    }
}

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
    public static async Task<IResult> Handle(HttpContext http, Sessions sessions, CancellationToken ct)
    {
        await sessions.End(http.User.SessionId(), ct);
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

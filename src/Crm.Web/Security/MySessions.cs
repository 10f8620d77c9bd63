using Crm.Domain.Access;
using Crm.Web.Http;

namespace Crm.Web.Security;

/// <summary>A session of the caller's.</summary>
/// <param name="Id">The session.</param>
/// <param name="StartedAt">When the caller signed in.</param>
/// <param name="LastUsedAt">When it was last renewed.</param>
/// <param name="Current">Whether this very request belongs to it.</param>
public sealed record SessionBody(Guid Id, DateTimeOffset StartedAt, DateTimeOffset LastUsedAt, bool Current);

/// <summary>The caller's sessions.</summary>
/// <param name="Items">Those that go on, the one used last first.</param>
/// <param name="NextCursor">Null: they come in one page.</param>
public sealed record SessionList(IReadOnlyList<SessionBody> Items, string? NextCursor = null);

/// <summary>Lists where the caller is signed in.</summary>
public static class ListMySessionsEndpoint
{
    /// <summary>Answers the sessions that go on.</summary>
    public static async Task<IResult> Handle(HttpContext http, Sessions sessions, CancellationToken ct)
    {
        var current = (http.User.Identity as CallerIdentity)?.SessionId;
        var living = await sessions.Of(http.User.UserId(), ct);
        return Answers.Json(
            new SessionList([.. living.Select(one => new SessionBody(one.Id, one.StartedAt, one.LastUsedAt, one.Id == current))]),
            SecurityJson.Wire.SessionList);
    }
}

/// <summary>Ends a session of the caller's, such as one on a device that was lost.</summary>
public static class EndMySessionEndpoint
{
    /// <summary>Answers nothing; another's session is as if it were not there.</summary>
    public static async Task<IResult> Handle(
        Guid id, Posted<NoBody> posted, HttpContext http, Sessions sessions, AccessFacts facts, CancellationToken ct)
    {
        var userId = http.User.UserId();
        if ((await sessions.Of(userId, ct)).All(one => one.Id != id))
        {
            return SecurityProblems.NoSuchSession.ToHttp();
        }

        await sessions.End(id, SessionEnding.SignedOut, ct);
        await facts.SessionEnded(userId, id, SessionEnding.SignedOut, posted.Context.Envelope, ct);
        return TypedResults.NoContent();
    }
}

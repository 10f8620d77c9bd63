using Crm.Domain.Access;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Crm.Web.Users;

namespace Crm.Web.Security;

/// <summary>Lets a user who has to wait after too many failures try again at once.</summary>
public static class UnlockUserEndpoint
{
    /// <summary>Answers nothing.</summary>
    public static async Task<IResult> Handle(
        Guid id, Posted<UserStatusRequest> posted, EventLog log, SignInDelays delays, AccessFacts facts, CancellationToken ct)
    {
        var user = await log.ReadUser(id, ct);
        if (!user.Exists)
        {
            return SecurityProblems.NoSuchUser.ToHttp();
        }

        await facts.Record(new SignInUnlocked(id), posted.Because(posted.Body.Reason).Envelope, ct);
        await delays.Clear(user.Email ?? id.ToString(), ct);
        return TypedResults.NoContent();
    }
}

/// <summary>Ends every session of a user.</summary>
public static class EndUsersSessionsEndpoint
{
    /// <summary>Answers nothing; the user may sign in again.</summary>
    public static async Task<IResult> Handle(
        Guid id, Posted<UserStatusRequest> posted, EventLog log, Sessions sessions, AccessFacts facts, CancellationToken ct)
    {
        if (!(await log.ReadUser(id, ct)).Exists)
        {
            return SecurityProblems.NoSuchUser.ToHttp();
        }

        var ended = await sessions.EndAllOf(id, SessionEnding.EndedByAdmin, ct);
        await facts.SessionsEnded(id, ended, SessionEnding.EndedByAdmin, posted.Because(posted.Body.Reason).Envelope, ct);
        return TypedResults.NoContent();
    }
}

/// <summary>Removes the second factor of a user who has lost it, recovery codes included.</summary>
public static class RemoveUsersSecondFactorEndpoint
{
    /// <summary>Answers nothing; the user signs in with the password alone until there is another one.</summary>
    public static async Task<IResult> Handle(
        Guid id, Posted<UserStatusRequest> posted, EventLog log, SecondFactors secondFactors, CancellationToken ct)
    {
        if (!(await log.ReadUser(id, ct)).Exists)
        {
            return SecurityProblems.NoSuchUser.ToHttp();
        }

        await secondFactors.Remove(id, posted.Because(posted.Body.Reason).Envelope, ct);
        return TypedResults.NoContent();
    }
}

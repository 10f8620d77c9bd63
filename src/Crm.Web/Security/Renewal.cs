namespace Crm.Web.Security;

/// <summary>A session that can be renewed once by this refresh token.</summary>
/// <param name="Id">The session.</param>
/// <param name="UserId">Whose it is.</param>
/// <param name="RefreshToken">The token, shown to the client alone: the database keeps its hash.</param>
public sealed record RenewableSession(Guid Id, Guid UserId, string RefreshToken);

/// <summary>What became of a refresh token that was used.</summary>
public abstract record Renewal
{
    private Renewal()
    {
    }

    /// <summary>The session goes on.</summary>
    /// <param name="Session">With its next refresh token.</param>
    public sealed record Renewed(RenewableSession Session) : Renewal;

    /// <summary>Another request with the same token was faster by a moment; it alone has the next one. The session goes on.</summary>
    public sealed record Raced : Renewal;

    /// <summary>The token had been used before: it was stolen, from one side or the other, and the session has ended.</summary>
    /// <param name="Session">The session.</param>
    /// <param name="UserId">Whose it was.</param>
    /// <param name="EndedNow">Whether this ended it; false when it had ended before.</param>
    public sealed record Reused(Guid Session, Guid UserId, bool EndedNow) : Renewal;

    /// <summary>The token is not known, expired, or of a session that ended.</summary>
    public sealed record Unknown : Renewal;
}

/// <summary>A session as its user sees it.</summary>
/// <param name="Id">The session.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="LastUsedAt">When it was last renewed.</param>
public sealed record LivingSession(Guid Id, DateTimeOffset StartedAt, DateTimeOffset LastUsedAt);

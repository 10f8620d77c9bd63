using Crm.Application.Users;
using Crm.Domain.Users;
using Crm.EventStore.Log;

namespace Crm.Web.Security;

/// <summary>What a client gets that has signed in.</summary>
/// <param name="AccessToken">The bearer token of its requests.</param>
/// <param name="ExpiresIn">For how many seconds it counts.</param>
/// <param name="RefreshToken">Gets the next pair, once.</param>
public sealed record TokenPair(string AccessToken, long ExpiresIn, string RefreshToken);

/// <summary>Signs users in and keeps them signed in. Who may is asked of the log, never of a read model that may be behind.</summary>
public sealed partial class SignIns(
    EventLog log,
    Credentials credentials,
    Sessions sessions,
    JwtTokens tokens,
    SigningKeys keys,
    SecurityOptions options,
    TimeProvider clock,
    ILogger<SignIns> logger)
{
    /// <summary>Signs a user in; null when the address or the password is wrong, or the user is not active.</summary>
    /// <param name="email">The address.</param>
    /// <param name="password">The password.</param>
    /// <param name="from">The client's network address, for the log.</param>
    /// <param name="ct">Gives up.</param>
    public async Task<TokenPair?> SignIn(string email, string password, string from, CancellationToken ct)
    {
        var userId = await log.FindHolder(UserStream.EmailScope, UserStream.KeyOf(email), ct);
        if (await credentials.Verify(userId, password, ct) is not { } credential)
        {
            LogRefused(userId, from);
            return null;
        }

        var user = await log.ReadUser(credential.UserId, ct);
        if (!user.IsActive)
        {
            LogInactive(credential.UserId, from);
            return null;
        }

        var session = await sessions.Begin(credential.UserId, ct);
        LogSignedIn(credential.UserId, session.Id, from);
        return await Issue(session, user, credential, ct);
    }

    /// <summary>Renews a session; null when its refresh token does not count or the user may no longer sign in.</summary>
    public async Task<TokenPair?> Renew(string refreshToken, CancellationToken ct)
    {
        if (await sessions.Renew(refreshToken, ct) is not { } session)
        {
            return null;
        }

        var user = await log.ReadUser(session.UserId, ct);
        if (!user.IsActive || await credentials.Find(session.UserId, ct) is not { } credential)
        {
            await sessions.End(session.Id, ct);
            return null;
        }

        return await Issue(session, user, credential, ct);
    }

    private async Task<TokenPair> Issue(RenewableSession session, User user, Credential credential, CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var token = new AccessToken(
            Guid.CreateVersion7(now), session.UserId, user.Name, user.Role, session.Id, credential.SecurityStamp,
            now, now, now + options.AccessTokenLifetime);
        return new TokenPair(
            tokens.Write(token, await keys.Current(ct)), (long)options.AccessTokenLifetime.TotalSeconds, session.RefreshToken);
    }

    [LoggerMessage(LogLevel.Information, "User {UserId} signed in from {From}, session {SessionId}.")]
    private partial void LogSignedIn(Guid userId, Guid sessionId, string from);

    [LoggerMessage(LogLevel.Warning, "Sign-in refused from {From}: no such account or wrong password (user {UserId}).")]
    private partial void LogRefused(Guid? userId, string from);

    [LoggerMessage(LogLevel.Warning, "Sign-in refused from {From}: user {UserId} is not active.")]
    private partial void LogInactive(Guid userId, string from);
}

using System.Net;
using Crm.Application.Users;
using Crm.Domain.Access;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.Web.Http;

namespace Crm.Web.Security;

/// <summary>Signs users in and keeps them signed in. Who may is asked of the log, never of a read model that may be behind.</summary>
public sealed partial class SignIns(
    EventLog log,
    Credentials credentials,
    SecondFactors secondFactors,
    SignInDelays delays,
    FailedSignIns failures,
    Sessions sessions,
    AccessFacts facts,
    JwtTokens tokens,
    SigningKeys keys,
    SecurityOptions options,
    TimeProvider clock,
    ILogger<SignIns> logger)
{
    /// <summary>Signs a user in.</summary>
    /// <param name="request">The address, the password and perhaps a code.</param>
    /// <param name="from">The client's network address; null when it is not known.</param>
    /// <param name="envelope">What the request is part of.</param>
    /// <param name="ct">Gives up.</param>
    public async Task<SignInResult> SignIn(LoginRequest request, IPAddress? from, Envelope envelope, CancellationToken ct)
    {
        var attempt = SignInAttempt.Of(request.Email, from);
        if (await delays.Begin(attempt, ct) is { } wait)
        {
            failures.HadToWait();
            return new SignInResult.TooSoon(wait);
        }

        var userId = await log.FindHolder(UserStream.EmailScope, UserStream.KeyOf(request.Email), ct);
        if (await Compare(attempt, userId, request.Password, ct) is not { } credential)
        {
            LogRefused(userId, from);
            return await Refuse(attempt, userId, from, SignInFailure.WrongPassword, envelope, ct);
        }

        var user = await log.ReadUser(credential.UserId, ct);
        if (!user.IsActive)
        {
            LogInactive(credential.UserId, from);
            return await Refuse(attempt, credential.UserId, from, SignInFailure.Inactive, envelope, ct);
        }

        var verdict = await secondFactors.Check(credential.UserId, request.Code, ct);
        if (verdict is SecondFactorVerdict.Missing)
        {
            await delays.GiveBack(attempt, ct);
            return new SignInResult.CodeRequired();
        }

        if (verdict is SecondFactorVerdict.Wrong)
        {
            LogWrongCode(credential.UserId, from);
            await Refuse(attempt, credential.UserId, from, SignInFailure.WrongCode, envelope, ct);
            return new SignInResult.WrongCode();
        }

        await delays.Succeeded(attempt, ct);
        return new SignInResult.Done(await Begin(user, credential, from, MethodOf(verdict), envelope, ct));
    }

    /// <summary>Begins a session of a user who has proved who they are; the fact is in the log before the tokens are handed out.</summary>
    public async Task<TokenPair> Begin(
        User user, Credential credential, IPAddress? from, SignInMethod method, Envelope envelope, CancellationToken ct)
    {
        var session = await sessions.Begin(credential.UserId, credential.SecurityStamp, ct);
        var actor = envelope with { Actor = credential.UserId.ToString() };
        await facts.SignedIn(new SignedIn(credential.UserId, session.Id, from?.ToString(), method), actor, ct);
        if (method is SignInMethod.RecoveryCode)
        {
            await facts.Record(
                new RecoveryCodeUsed(credential.UserId, await secondFactors.RecoveryCodesLeft(credential.UserId, ct)), actor, ct);
        }

        LogSignedIn(credential.UserId, session.Id, from);
        return await Issue(session, user, credential, ct);
    }

    /// <summary>
    /// Whether a signed-in user knows the password, and has the second factor where it is asked for; wrong ones count as failed sign-ins.
    /// Null when it is so.
    /// </summary>
    /// <param name="userId">The user.</param>
    /// <param name="password">The password.</param>
    /// <param name="code">The code; null where none is asked for.</param>
    /// <param name="from">The client's network address.</param>
    /// <param name="envelope">What the request is part of.</param>
    /// <param name="ct">Gives up.</param>
    public async Task<SignInResult?> Prove(
        Guid userId, string password, string? code, IPAddress? from, Envelope envelope, CancellationToken ct)
    {
        var user = await log.ReadUser(userId, ct);
        var attempt = SignInAttempt.Of(user.Email ?? userId.ToString(), from);
        if (await delays.Begin(attempt, ct) is { } wait)
        {
            failures.HadToWait();
            return new SignInResult.TooSoon(wait);
        }

        if (await Compare(attempt, userId, password, ct) is null)
        {
            return await Refuse(attempt, userId, from, SignInFailure.WrongPassword, envelope, ct);
        }

        if (code is not null && await secondFactors.Check(userId, code, ct) is SecondFactorVerdict.Wrong)
        {
            await Refuse(attempt, userId, from, SignInFailure.WrongCode, envelope, ct);
            return new SignInResult.WrongCode();
        }

        await delays.Succeeded(attempt, ct);
        return null;
    }

    /// <summary>Renews a session; no pair when its refresh token does not count or the user may no longer sign in.</summary>
    /// <param name="refreshToken">The refresh token.</param>
    /// <param name="arrivedAt">When the request arrived.</param>
    /// <param name="envelope">What the request is part of.</param>
    /// <param name="ct">Gives up.</param>
    public async Task<(TokenPair? Pair, bool Raced)> Renew(
        string refreshToken, DateTimeOffset arrivedAt, Envelope envelope, CancellationToken ct)
    {
        switch (await sessions.Renew(refreshToken, arrivedAt, ct))
        {
            case Renewal.Raced:
                return (null, Raced: true);

            case Renewal.Reused reused:
                if (reused.EndedNow)
                {
                    LogReused(reused.UserId, reused.Session);
                    await facts.SessionEnded(reused.UserId, reused.Session, SessionEnding.RefreshTokenReused, envelope, ct);
                }

                return (null, Raced: false);

            case Renewal.Renewed { Session: var session }:
                var user = await log.ReadUser(session.UserId, ct);
                if (user.IsActive && await credentials.Find(session.UserId, ct) is { } credential)
                {
                    return (await Issue(session, user, credential, ct), Raced: false);
                }

                await sessions.End(session.Id, SessionEnding.EndedByAdmin, ct);
                return (null, Raced: false);

            case Renewal.Unknown:
                return (null, Raced: false);

            case var other:
                throw new System.Diagnostics.UnreachableException(other.GetType().Name);
        }
    }

    private static SignInMethod MethodOf(SecondFactorVerdict verdict) => verdict switch
    {
        SecondFactorVerdict.NotAsked => SignInMethod.Password,
        SecondFactorVerdict.Right => SignInMethod.Totp,
        SecondFactorVerdict.RightRecoveryCode => SignInMethod.RecoveryCode,
        SecondFactorVerdict.Missing or SecondFactorVerdict.Wrong =>
            throw new InvalidOperationException("Nobody signs in without the code."),
    };

    // A try that had to give way to others was none.
    private async Task<Credential?> Compare(SignInAttempt attempt, Guid? userId, string password, CancellationToken ct)
    {
        try
        {
            return await credentials.Verify(userId, password, ct);
        }
        catch (ProblemException)
        {
            await delays.GiveBack(attempt, ct);
            throw;
        }
    }

    // The same work whether or not there is such an account; what is written, is written behind the answer.
    private async Task<SignInResult> Refuse(
        SignInAttempt attempt, Guid? userId, IPAddress? from, SignInFailure why, Envelope envelope, CancellationToken ct)
    {
        var started = await delays.StartedBy(attempt, ct);
        if (userId is { } known)
        {
            failures.Failed(known, from?.ToString(), why, envelope);
        }
        else
        {
            failures.Stranger(attempt.Network);
        }

        foreach (var delay in started)
        {
            failures.Delayed(userId, attempt.Network, delay, envelope);
        }

        return new SignInResult.Refused();
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
    private partial void LogSignedIn(Guid userId, Guid sessionId, IPAddress? from);

    [LoggerMessage(LogLevel.Warning, "Sign-in refused from {From}: no such account or wrong password (user {UserId}).")]
    private partial void LogRefused(Guid? userId, IPAddress? from);

    [LoggerMessage(LogLevel.Warning, "Sign-in refused from {From}: user {UserId} is not active.")]
    private partial void LogInactive(Guid userId, IPAddress? from);

    [LoggerMessage(LogLevel.Warning, "Sign-in refused from {From}: wrong code of user {UserId}.")]
    private partial void LogWrongCode(Guid userId, IPAddress? from);

    [LoggerMessage(LogLevel.Warning, "A refresh token of user {UserId} came a second time: session {SessionId} has ended.")]
    private partial void LogReused(Guid userId, Guid sessionId);
}

using System.Diagnostics;
using Crm.Web.Http;

namespace Crm.Web.Security;

/// <summary>What a client is told that may not go on. None of it says which half of a pair was wrong.</summary>
public static class SecurityProblems
{
    /// <summary>The request carries no token that counts.</summary>
    public static Problem Unauthenticated { get; } = new(
        401, "unauthenticated", "Nobody is signed in.", "Send a valid access token: Authorization: Bearer …");

    /// <summary>The user's role does not admit it.</summary>
    public static Problem Forbidden { get; } = new(403, "forbidden", "Not permitted.", "Your role does not permit this.");

    /// <summary>The address or the password is wrong, or the user may not sign in.</summary>
    public static Problem WrongCredentials { get; } = new(
        401, "invalid-credentials", "Signing in failed.", "The e-mail address or the password is wrong, or the user may not sign in.");

    /// <summary>The refresh token does not count.</summary>
    public static Problem WrongRefreshToken { get; } = new(
        401, "invalid-refresh-token", "The session cannot be renewed.",
        "The refresh token is not known, is expired or was used. Sign in again.");

    /// <summary>The password is right; the user has a second factor.</summary>
    public static Problem CodeRequired { get; } = new(
        401, "second-factor-required", "A second factor is required.", "Send the code of the second factor too, or a recovery code.");

    /// <summary>The password is right, the code is not.</summary>
    public static Problem WrongCode { get; } = new(
        401, "invalid-code", "Signing in failed.", "The code is wrong, was used before, or its time is over.");

    /// <summary>Another request with the same refresh token was faster by a moment.</summary>
    public static Problem RefreshRaced { get; } = new(
        409, "refresh-raced", "Another request renewed the session.",
        "Another request with the same refresh token arrived at the same moment and has the next pair. The session goes on.")
    {
        RetryAfter = 1,
    };

    /// <summary>The token with which a password may be chosen does not count.</summary>
    public static Problem WrongResetToken { get; } = new(
        401, "invalid-reset-token", "The password cannot be chosen.", "The token is not known, is expired or was used. Ask for a new one.");

    /// <summary>The user cannot sign in with a password, so there is none to reset.</summary>
    public static Problem NoPassword { get; } = new(
        409, "no-password", "The state it is in does not permit this.", "This user does not sign in with a password, or may not sign in.");

    /// <summary>The second factor is in use already.</summary>
    public static Problem SecondFactorEnabled { get; } = new(
        409, "second-factor-enabled", "The state it is in does not permit this.", "The second factor is in use. Remove it first.");

    /// <summary>There is no second factor to confirm or to remove.</summary>
    public static Problem NoSecondFactor { get; } = new(
        409, "no-second-factor", "The state it is in does not permit this.", "There is no second factor to confirm or to remove.");

    /// <summary>The caller's token is another issuer's: there is no session of ours.</summary>
    public static Problem NotOurSession { get; } = new(
        409, "not-our-session", "The state it is in does not permit this.", "The caller did not sign in here: there is no session to end.");

    /// <summary>There is no such user.</summary>
    public static Problem NoSuchUser { get; } = Problem.NotFound("There is no such user.");

    /// <summary>The caller has no such session.</summary>
    public static Problem NoSuchSession { get; } = Problem.NotFound("There is no such session.");

    /// <summary>Too many failures to sign in.</summary>
    public static Problem TooManyAttempts(TimeSpan retryAfter) => new(
        429, "too-many-attempts", "Too many attempts.", "Too many attempts to sign in. Wait and try again.")
    {
        RetryAfter = (int)Math.Ceiling(retryAfter.TotalSeconds),
    };

    /// <summary>Why a signed-in user has not proved who they are.</summary>
    /// <param name="unproved">What came of it.</param>
    /// <param name="passwordPointer">Where the password stands in the body.</param>
    public static Problem Unproved(SignInResult unproved, string passwordPointer = "/password") => unproved switch
    {
        SignInResult.TooSoon soon => TooManyAttempts(soon.Wait),
        SignInResult.Refused => Problem.Invalid(new FieldError(passwordPointer, "wrong-password", "is not your password.")),
        SignInResult.WrongCode or SignInResult.CodeRequired =>
            Problem.Invalid(new FieldError("/code", "wrong-code", "is wrong, was used before, or its time is over.")),
        _ => throw new UnreachableException(unproved.GetType().Name),
    };
}

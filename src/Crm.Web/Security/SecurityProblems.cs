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

    /// <summary>Too many logins from one address for one account.</summary>
    public static Problem TooManyAttempts(TimeSpan retryAfter) => new(
        429, "too-many-attempts", "Too many attempts.", "Too many attempts to sign in. Wait and try again.")
    {
        RetryAfter = (int)Math.Ceiling(retryAfter.TotalSeconds),
    };
}

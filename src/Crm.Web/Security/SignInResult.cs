namespace Crm.Web.Security;

/// <summary>What a client gets that has signed in.</summary>
/// <param name="AccessToken">The bearer token of its requests.</param>
/// <param name="ExpiresIn">For how many seconds it counts.</param>
/// <param name="RefreshToken">Gets the next pair, once.</param>
public sealed record TokenPair(string AccessToken, long ExpiresIn, string RefreshToken);

/// <summary>What became of a try to sign in, or to prove who one is.</summary>
public abstract record SignInResult
{
    private SignInResult()
    {
    }

    /// <summary>The user is signed in.</summary>
    public sealed record Done(TokenPair Pair) : SignInResult;

    /// <summary>The address or the password is wrong, or the user is not active.</summary>
    public sealed record Refused : SignInResult;

    /// <summary>The password is right; the user has a second factor, whose code is missing.</summary>
    public sealed record CodeRequired : SignInResult;

    /// <summary>The password is right, the code is not.</summary>
    public sealed record WrongCode : SignInResult;

    /// <summary>There were too many failures; nothing was looked at.</summary>
    public sealed record TooSoon(TimeSpan Wait) : SignInResult;
}

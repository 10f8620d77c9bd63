using System.Diagnostics;
using System.Text.Json.Serialization.Metadata;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Security;

/// <summary>The body of <c>POST /auth/login</c>.</summary>
/// <param name="Email">The address that the user was registered with.</param>
/// <param name="Password">The password.</param>
/// <param name="Code">The code of the second factor, or a recovery code; left out where there is none.</param>
public sealed record LoginRequest(string Email, string Password, string? Code = null) : IRequestBody<LoginRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<LoginRequest> Json => SecurityJson.Wire.LoginRequest;

    /// <inheritdoc/>
    public static IValidator<LoginRequest> Validator { get; } = new LoginRequestValidator();

    /// <summary>Keeps the password out of whatever prints the record.</summary>
    public override string ToString() => nameof(LoginRequest);
}

/// <summary>Checks the shape only: whether it is a user's password is a matter of signing in.</summary>
public sealed class LoginRequestValidator : AbstractValidator<LoginRequest>
{
    /// <summary>The checks.</summary>
    public LoginRequestValidator()
    {
        RuleFor(request => request.Email).Present().AtMost(254);
        RuleFor(request => request.Password).AtMost(PasswordRule.MaxCharacters);
        RuleFor(request => request.Code).AtMost(SecondFactors.MaxCodeCharacters);
    }
}

/// <summary>Signs a user in.</summary>
public static class LoginEndpoint
{
    /// <summary>Answers a pair of tokens, or 401 without saying what was wrong.</summary>
    public static async Task<IResult> Handle(Posted<LoginRequest> posted, SignIns signIns, HttpContext http, CancellationToken ct)
    {
        var result = await signIns.SignIn(posted.Body, http.Connection.RemoteIpAddress, posted.Context.Envelope, ct);
        if (result is SignInResult.Done { Pair: var pair })
        {
            return AnswerPair(http, pair);
        }

        if (result is not SignInResult.TooSoon)
        {
            http.Response.Headers.WWWAuthenticate = BearerHandler.Scheme;
        }

        return (result switch
        {
            SignInResult.Refused => SecurityProblems.WrongCredentials,
            SignInResult.CodeRequired => SecurityProblems.CodeRequired,
            SignInResult.WrongCode => SecurityProblems.WrongCode,
            SignInResult.TooSoon soon => SecurityProblems.TooManyAttempts(soon.Wait),
            _ => throw new UnreachableException(result.GetType().Name),
        }).ToHttp();
    }

    /// <summary>A pair of tokens, which no cache may keep.</summary>
    internal static IResult AnswerPair(HttpContext http, TokenPair pair)
    {
        http.Response.Headers.CacheControl = "no-store";
        return Answers.Json(pair, SecurityJson.Wire.TokenPair);
    }
}

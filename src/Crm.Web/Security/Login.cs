using System.Text.Json.Serialization.Metadata;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Security;

/// <summary>The body of <c>POST /auth/login</c>.</summary>
/// <param name="Email">The address that the user was registered with.</param>
/// <param name="Password">The password.</param>
public sealed record LoginRequest(string Email, string Password) : IRequestBody<LoginRequest>
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
    }
}

/// <summary>Signs a user in.</summary>
public static class LoginEndpoint
{
    /// <summary>Answers a pair of tokens, or 401 without saying what was wrong.</summary>
    public static async Task<IResult> Handle(
        Posted<LoginRequest> posted, SignIns signIns, LoginLimit limit, HttpContext http, CancellationToken ct)
    {
        var from = http.Connection.RemoteIpAddress?.ToString() ?? "unknown";
        if (limit.Exceeded(from, posted.Body.Email) is { } retryAfter)
        {
            return SecurityProblems.TooManyAttempts(retryAfter).ToHttp();
        }

        if (await signIns.SignIn(posted.Body.Email, posted.Body.Password, from, ct) is { } pair)
        {
            http.Response.Headers.CacheControl = "no-store";
            return Answers.Json(pair, SecurityJson.Wire.TokenPair);
        }

        http.Response.Headers.WWWAuthenticate = BearerHandler.Scheme;
        return SecurityProblems.WrongCredentials.ToHttp();
    }
}

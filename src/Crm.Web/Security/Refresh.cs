using System.Text.Json.Serialization.Metadata;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Security;

/// <summary>The body of <c>POST /auth/refresh</c>.</summary>
/// <param name="RefreshToken">The refresh token of the last pair.</param>
public sealed record RefreshRequest(string RefreshToken) : IRequestBody<RefreshRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<RefreshRequest> Json => SecurityJson.Wire.RefreshRequest;

    /// <inheritdoc/>
    public static IValidator<RefreshRequest> Validator { get; } = new RefreshRequestValidator();

    /// <summary>Keeps the token out of whatever prints the record.</summary>
    public override string ToString() => nameof(RefreshRequest);
}

/// <summary>Checks the shape only.</summary>
public sealed class RefreshRequestValidator : AbstractValidator<RefreshRequest>
{
    /// <summary>The checks.</summary>
    public RefreshRequestValidator() => RuleFor(request => request.RefreshToken).Present().AtMost(200);
}

/// <summary>Renews a session.</summary>
public static class RefreshEndpoint
{
    /// <summary>
    /// Answers the next pair of tokens; 409 when another request with the same token was faster by a moment, as when two tabs wake up
    /// together; or 401: then the user must sign in again.
    /// </summary>
    public static async Task<IResult> Handle(
        Posted<RefreshRequest> posted, SignIns signIns, HttpContext http, CancellationToken ct)
    {
        var (pair, raced) = await signIns.Renew(posted.Body.RefreshToken, posted.Context.Now, posted.Context.Envelope, ct);
        if (pair is not null)
        {
            return LoginEndpoint.AnswerPair(http, pair);
        }

        if (raced)
        {
            return SecurityProblems.RefreshRaced.ToHttp();
        }

        http.Response.Headers.WWWAuthenticate = BearerHandler.Scheme;
        return SecurityProblems.WrongRefreshToken.ToHttp();
    }
}

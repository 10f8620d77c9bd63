using System.Text.Encodings.Web;
using Crm.Web.ApiKeys;
using Crm.Web.Http;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace Crm.Web.Security;

/// <summary>Signs a request in by its bearer token (RFC 6750, the header only), and answers those that are not or may not.</summary>
public sealed partial class BearerHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, RememberedTokens tokens)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>The scheme's name.</summary>
    public new const string Scheme = "Bearer";

    /// <summary>The header by which a request with an API key says for which user it acts.</summary>
    public const string OnBehalfOfHeader = "On-Behalf-Of";

    private static readonly Problem NotForPersons = Problem.Malformed("On-Behalf-Of takes one user's id, in a request with an API key.");

    private Problem? because;

    /// <inheritdoc/>
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // Open routes ask nobody who they are: a token that comes along cannot make them fail, or wait for the database.
        var headers = Request.Headers.Authorization;
        if (headers.Count == 0 || Context.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null)
        {
            return AuthenticateResult.NoResult();
        }

        if (headers is not [{ } header] || !header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return AuthenticateResult.Fail("Not one bearer token.");
        }

        string? onBehalfOf = null;
        if (Request.Headers.TryGetValue(OnBehalfOfHeader, out var named))
        {
            if (named is not [{ Length: > 0 and <= 64 } one] || !ApiKeyText.IsMeant(header["Bearer ".Length..]))
            {
                because = NotForPersons;
                return AuthenticateResult.Fail("On-Behalf-Of is for API keys.");
            }

            onBehalfOf = one;
        }

        var admission = await tokens.Admit(header.AsSpan("Bearer ".Length), onBehalfOf, Context.RequestAborted);
        because = admission.Because;
        return admission.Caller is { } caller
            ? AuthenticateResult.Success(new AuthenticationTicket(caller, Scheme))
            : AuthenticateResult.Fail("The token does not count.");
    }

    /// <inheritdoc/>
    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (Request.Headers.Authorization.Count > 0)
        {
            LogRefusedToken(Logger, Request.Method, Request.Path.Value, Context.Connection.RemoteIpAddress, RequestHeaders.Correlation(Context));
        }

        if (because is not null)
        {
            return Problems.Write(Context, because);
        }

        Response.Headers.WWWAuthenticate = Request.Headers.Authorization.Count == 0 ? Scheme : "Bearer error=\"invalid_token\"";
        return Problems.Write(Context, SecurityProblems.Unauthenticated);
    }

    /// <inheritdoc/>
    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var caller = Context.User.FindFirst(RequestHeaders.ApiKey) is { } key ? "API key " + key.Value
            : Context.User.FindFirst(RequestHeaders.Subject)?.Value;
        LogForbidden(Logger, Request.Method, Request.Path.Value, caller, RequestHeaders.Correlation(Context));
        return Problems.Write(Context, SecurityProblems.Forbidden);
    }

    [LoggerMessage(LogLevel.Warning, "{Method} {Path}: a token or API key from {From} does not count, trace {Trace}")]
    private static partial void LogRefusedToken(ILogger logger, string method, string? path, System.Net.IPAddress? from, string trace);

    [LoggerMessage(LogLevel.Warning, "{Method} {Path}: the role or scopes of {Caller} do not permit it, trace {Trace}")]
    private static partial void LogForbidden(ILogger logger, string method, string? path, string? caller, string trace);
}

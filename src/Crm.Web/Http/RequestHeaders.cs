using System.Buffers;
using System.Globalization;
using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using Crm.Application;
using Crm.Application.Permissions;
using Crm.EventStore.Log;
using Crm.Web.Security;
using Microsoft.Net.Http.Headers;

namespace Crm.Web.Http;

/// <summary>What a request says in its headers.</summary>
public static class RequestHeaders
{
    /// <summary>The largest body, in bytes.</summary>
    public const int MaxBody = 1024 * 1024;

    /// <summary>The claim that holds a user's id.</summary>
    public const string Subject = "sub";

    /// <summary>The claim that holds the API key that signs a request.</summary>
    public const string ApiKey = "api_key";

    internal static Problem BodyTooLarge { get; } = new(413, "too-large", "The body is too large.", $"A body may have at most {MaxBody} bytes.");

    /// <summary>The time of the request, read once, to the microsecond.</summary>
    public static DateTimeOffset Now(HttpContext context) =>
        WireFormats.Microseconds(context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow());

    /// <summary>Who asks, as part of what: the metadata of the events that follow.</summary>
    public static Envelope Envelope(HttpContext context) => new(
        (context.User.Identity as CallerIdentity)?.ActorId ?? context.User.FindFirstValue(Subject),
        OnBehalfOf: (context.User.Identity as CallerIdentity)?.OnBehalfOf?.ToString(),
        CorrelationId: Correlation(context),
        CausationId: context.TraceIdentifier,
        ApiKeyId: context.User.FindFirstValue(ApiKey));

    /// <summary>Whose rights bound what the request does; nobody's where nobody is signed in.</summary>
    public static Scope ScopeOf(HttpContext context) => context.User.Identity is CallerIdentity caller ? caller.Scope : Scope.Nobody;

    /// <summary>The request's trace: the caller's <c>X-Correlation-Id</c>, its W3C trace, or the connection's own.</summary>
    public static string Correlation(HttpContext context)
    {
        if (context.Request.Headers.TryGetValue("X-Correlation-Id", out var given) && given is [{ Length: > 0 and <= 100 } id] && IsVisible(id))
        {
            return id;
        }

        return context.Request.Headers.TraceParent is [{ Length: 55 } trace] && IsVisible(trace) ? trace[3..35] : context.TraceIdentifier;
    }

    /// <summary>The version that the caller asks for; null when it does not mind.</summary>
    public static long? IfMatch(HttpRequest request)
    {
        var header = request.Headers.IfMatch;
        if (header.Count == 0 || header is ["*"])
        {
            return null;
        }

        return header is [{ Length: >= 3 } tag] && tag[0] == '"' && tag[^1] == '"'
            && long.TryParse(tag.AsSpan(1, tag.Length - 2), NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            ? version
            : throw new ProblemException(Problem.Malformed("If-Match takes one version in quotes, such as \"4\"."));
    }

    /// <summary>The request's idempotency key with the digest of what it asks; null when it has none.</summary>
    public static IdempotencyKey? Idempotency(HttpContext context, in ReadOnlySequence<byte> body)
    {
        var header = context.Request.Headers["Idempotency-Key"];
        if (header.Count == 0)
        {
            return null;
        }

        if (header is not [{ Length: > 0 and <= 200 } key] || !IsVisible(key))
        {
            throw new ProblemException(Problem.Malformed("Idempotency-Key takes 1 to 200 visible ASCII characters."));
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{context.Request.Method} {context.Request.Path}\n"));
        foreach (var part in body)
        {
            hash.AppendData(part.Span);
        }

        return new IdempotencyKey(CallerOf(context.User), key, hash.GetHashAndReset());
    }

    // A person, each of their API keys, and whoever such a key acts for never meet in their idempotency keys.
    private static string CallerOf(ClaimsPrincipal caller)
    {
        var user = caller.FindFirstValue(Subject) ?? "anonymous";
        return caller.FindFirstValue(ApiKey) is { } key ? $"{user}/key:{key}" : user;
    }

    internal static void CheckMediaType(HttpRequest request, string? other, bool isEmpty)
    {
        if (request.ContentType is "application/json" || (isEmpty && request.ContentType is null))
        {
            return;
        }

        var fits = MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            && (type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
                || (other is not null && type.MediaType.Equals(other, StringComparison.OrdinalIgnoreCase)))
            && (!type.Charset.HasValue || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase));
        if (!fits)
        {
            throw new ProblemException(new Problem(
                415, "unsupported-media-type", "The body's media type is not supported.",
                $"Send application/json{(other is null ? "" : " or " + other)} in UTF-8."));
        }
    }

    private static bool IsVisible(string text) => !text.AsSpan().ContainsAnyExceptInRange('!', '~');
}

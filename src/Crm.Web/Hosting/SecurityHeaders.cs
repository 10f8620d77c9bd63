using System.Net;
using Microsoft.Extensions.Primitives;

namespace Crm.Web.Hosting;

/// <summary>What every answer tells browsers not to do with it.</summary>
internal static class SecurityHeaders
{
    private const string Nothing = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

    // The page's own bundle sets styles on elements and inlines its icons.
    private const string OwnPage = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        + "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

    // Texts that are shared by all answers.
    private static readonly StringValues nosniff = "nosniff";
    private static readonly StringValues noReferrer = "no-referrer";
    private static readonly StringValues nothing = Nothing;
    private static readonly StringValues ownPage = OwnPage;
    private static readonly StringValues deny = "DENY";
    private static readonly StringValues sameOrigin = "same-origin";
    private static readonly StringValues noFeatures = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
    private static readonly StringValues onlyTls = "max-age=31536000; includeSubDomains";
    private static readonly StringValues noStore = "no-store";

    /// <summary>Sets them on an answer that is empty as yet; endpoints may set <c>Cache-Control</c> otherwise.</summary>
    public static void Set(HttpContext http)
    {
        var headers = http.Response.Headers;
        var path = http.Request.Path;
        headers.XContentTypeOptions = nosniff;
        headers["Referrer-Policy"] = noReferrer;
        headers.ContentSecurityPolicy = path.StartsWithSegments("/docs", StringComparison.OrdinalIgnoreCase) ? ownPage : nothing;
        headers.XFrameOptions = deny;
        headers["Cross-Origin-Resource-Policy"] = sameOrigin;
        headers["Permissions-Policy"] = noFeatures;
        if (path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase))
        {
            headers.CacheControl = noStore;
        }

        if (http.Request.IsHttps && !IsLoopback(http.Request.Host.Host))
        {
            headers.StrictTransportSecurity = onlyTls;
        }
    }

    /// <summary>Empties an answer that has not begun, but for what the edge says of itself.</summary>
    public static void Clear(HttpContext http)
    {
        var (policy, left) = (http.Response.Headers["RateLimit-Policy"], http.Response.Headers["RateLimit"]);
        http.Response.Clear();
        Set(http);
        if (policy.Count > 0)
        {
            http.Response.Headers["RateLimit-Policy"] = policy;
            http.Response.Headers["RateLimit"] = left;
        }
    }

    // A browser that has once been told so would refuse every other program of a developer's machine.
    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
}

using System.IO.Compression;
using Microsoft.AspNetCore.ResponseCompression;

namespace Crm.Web.Hosting;

/// <summary>
/// Compresses large answers. A compressed answer's length tells of its content, and over TLS that leaks a secret which stands beside what
/// an attacker chooses; so nothing that may hold a secret, and nothing that another site's page asked for, is compressed.
/// </summary>
internal static class Compression
{
    private static readonly string[] kinds = ["application/json", "application/x-ndjson", "text/csv"];

    /// <summary>Adds gzip and Brotli for lists, reports and exports.</summary>
    public static void AddCompression(this IServiceCollection services)
    {
        services.AddResponseCompression(compression =>
        {
            compression.EnableForHttps = true;
            compression.MimeTypes = kinds;
            compression.Providers.Add<BrotliCompressionProvider>();
            compression.Providers.Add<GzipCompressionProvider>();
        });
        services.Configure<BrotliCompressionProviderOptions>(static brotli => brotli.Level = CompressionLevel.Fastest);
        services.Configure<GzipCompressionProviderOptions>(static gzip => gzip.Level = CompressionLevel.Fastest);
    }

    /// <summary>Compresses what may be.</summary>
    public static void UseSafeCompression(this WebApplication app) =>
        app.UseWhen(MayBeCompressed, static branch => branch.UseResponseCompression());

    private static bool MayBeCompressed(HttpContext http) =>
        http.Request.Headers.AcceptEncoding.Count > 0
        && HttpMethods.IsGet(http.Request.Method)
        && http.Request.Headers.Origin.Count == 0
        && http.Request.Headers["Sec-Fetch-Site"] is [] or ["same-origin"] or ["none"]
        && (Is(http, "/api/v1/leads") || Is(http, "/api/v1/reports") || Is(http, "/api/v1/audit") || Is(http, "/api/v1/events"));

    private static bool Is(HttpContext http, string prefix) => http.Request.Path.StartsWithSegments(prefix, StringComparison.OrdinalIgnoreCase);
}

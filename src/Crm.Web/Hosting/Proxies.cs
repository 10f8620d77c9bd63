using Microsoft.AspNetCore.HttpOverrides;

namespace Crm.Web.Hosting;

/// <summary>Believes what known proxies say of a request's origin; nobody else.</summary>
internal static partial class Proxies
{
    /// <summary>Takes the client's address and scheme from the proxies of <see cref="EdgeOptions.KnownProxies"/>.</summary>
    public static void UseKnownProxies(this WebApplication app)
    {
        var options = app.Services.GetRequiredService<EdgeOptions>();
        if (options.KnownProxies.Length == 0)
        {
            WarnOnce(app);
            return;
        }

        var forwarded = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto,
            ForwardLimit = options.ForwardLimit,
        };

        // The framework trusts loopback unless told otherwise.
        forwarded.KnownIPNetworks.Clear();
        forwarded.KnownProxies.Clear();
        foreach (var network in options.ProxyNetworks())
        {
            forwarded.KnownIPNetworks.Add(network);
        }

        app.UseForwardedHeaders(forwarded);
    }

    private static void WarnOnce(WebApplication app)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Crm.Web.Proxies");
        var warned = 0;
        app.Use(next => http =>
        {
            if (warned == 0 && http.Request.Headers.ContainsKey("X-Forwarded-For") && Interlocked.Exchange(ref warned, 1) == 0)
            {
                LogUnknown(logger, http.Connection.RemoteIpAddress?.ToString());
            }

            return next(http);
        });
    }

    [LoggerMessage(LogLevel.Warning,
        "X-Forwarded-For came from {Peer} and is not believed. If that is your proxy, name it in Crm:Edge:KnownProxies: until then all its clients count as one address")]
    private static partial void LogUnknown(ILogger logger, string? peer);
}

using System.Net;
using System.Net.Sockets;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Hosting;

/// <summary>
/// How often somebody may ask this host: signed in, by the user or the API key, wherever the requests come from; not signed in, by the
/// network address; and for signing in, renewing and resetting by the address too, much less. Waiting after wrong passwords is not here:
/// that holds over all hosts and stands with the sign-ins.
/// </summary>
public sealed class RateLimits(EdgeOptions options, TimeProvider clock)
{
    private readonly CallerBudgets callers = new("caller", options.CallerBurst, options.CallerPerSecond, clock);
    private readonly CallerBudgets addresses = new("address", options.AddressBurst, options.AddressPerSecond, clock);
    private readonly CallerBudgets signIns = new("sign-in", options.SignInsPerMinute, options.SignInsPerMinute / 60.0, clock);

    /// <summary>Counts a request and says in its answer what is left; the seconds to wait when there is nothing left, else 0.</summary>
    public int Count(HttpContext http)
    {
        var (budgets, who) = BudgetOf(http);
        var granted = budgets.Take(who, out var left, out var retryAfter);
        http.Response.Headers["RateLimit-Policy"] = budgets.Policy;
        http.Response.Headers["RateLimit"] = left;
        return granted ? 0 : retryAfter;
    }

    /// <summary>A network address as what one subscriber has: IPv4 whole, of IPv6 the /64.</summary>
    public static string From(IPAddress? address)
    {
        if (address is null)
        {
            return "none";
        }

        if (address.IsIPv4MappedToIPv6)
        {
            address = address.MapToIPv4();
        }

        return address.AddressFamily == AddressFamily.InterNetworkV6 ? Convert.ToHexString(address.GetAddressBytes(), 0, 8) : address.ToString();
    }

    private (CallerBudgets Budgets, string Who) BudgetOf(HttpContext http)
    {
        if (http.User.Identity is { IsAuthenticated: true })
        {
            return (callers, http.User.FindFirst(RequestHeaders.ApiKey)?.Value ?? http.User.FindFirst(Caller.UserIdClaim)?.Value ?? "");
        }

        var isSignIn = HttpMethods.IsPost(http.Request.Method)
            && http.Request.Path.StartsWithSegments("/api/v1/auth", StringComparison.OrdinalIgnoreCase);
        return (isSignIn ? signIns : addresses, From(http.Connection.RemoteIpAddress));
    }
}

/// <summary>Puts the rate limits before the API.</summary>
internal static class RateLimitsSetup
{
    /// <summary>Requests beyond the limits are told 429. Probes and the scraper are not counted.</summary>
    public static void UseRateLimits(this WebApplication app)
    {
        var limits = app.Services.GetRequiredService<RateLimits>();
        var metrics = app.Services.GetRequiredService<EdgeMetrics>();
        app.Use(next => http =>
        {
            if (!http.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase))
            {
                return next(http);
            }

            var wait = limits.Count(http);
            if (wait == 0)
            {
                return next(http);
            }

            metrics.Rejected("rate");
            return Problems.Write(http, new Problem(429, "too-many-requests", "Too many requests.", "Ask again after the time in Retry-After.")
            {
                RetryAfter = wait,
            });
        });
    }
}

using System.Net;
using Crm.Web.Hosting;

namespace Crm.Web.Tests.Edge;

public class Rate_limits(TestHost host) : IClassFixture<TestHost>
{
    [Fact]
    public async Task hold_for_each_caller_alone_and_say_when_to_come_back()
    {
        await using var strict = TestHost.Beside(host.Database, ("Crm:Edge:CallerBurst", "8"), ("Crm:Edge:CallerPerSecond", "0.01"));
        var admin = await strict.Admin();
        var first = (await admin.Get("/me")).Is(200);
        Assert.Equal("\"caller\";q=8;w=800", first.Header("RateLimit-Policy"));
        Assert.Equal("\"caller\";r=6;t=200", first.Header("RateLimit")); // the sign-in asked once, too
        for (var left = 6; left > 0; left--)
        {
            (await admin.Get("/me")).Is(200);
        }

        var refused = (await admin.Get("/me")).IsRefused(429, "too-many-requests");
        Assert.InRange(int.Parse(refused.Header("Retry-After") ?? "", System.Globalization.CultureInfo.InvariantCulture), 1, 100);
        Assert.Equal("\"caller\";r=0;t=800", refused.Header("RateLimit"));

        // Another caller is untouched, and whoever asks without a token too.
        var again = await strict.SignIn(TestHost.AdminEmail, TestHost.AdminPassword).ContinueWith(signedIn => signedIn.IsFaulted, TaskScheduler.Default);
        Assert.True(again, "the same user in another session is the same caller");
        using var stranger = strict.CreateClient();
        (await stranger.Send(HttpMethod.Get, "/me", null)).Is(401);
        (await stranger.Send(HttpMethod.Get, "/health/live", null)).Is(200);
    }

    [Fact]
    public async Task are_strict_where_one_signs_in_and_count_each_address()
    {
        await using var strict = TestHost.Beside(host.Database, ("Crm:Edge:SignInsPerMinute", "3"), ("Crm:Edge:AddressBurst", "2"), ("Crm:Edge:AddressPerSecond", "0.01"));
        for (var attempt = 0; attempt < 3; attempt++)
        {
            Assert.NotEqual(429, await Status(strict, "POST", "/api/v1/auth/refresh", "203.0.113.7"));
        }

        Assert.Equal(429, await Status(strict, "POST", "/api/v1/auth/refresh", "203.0.113.7"));
        Assert.Equal(429, await Status(strict, "POST", "/api/v1/auth/login", "::ffff:203.0.113.7"));
        Assert.NotEqual(429, await Status(strict, "POST", "/api/v1/auth/refresh", "203.0.113.8"));

        // Another kind of request has its own budget; one subscriber's IPv6 addresses count as one.
        Assert.Equal(401, await Status(strict, "GET", "/api/v1/leads", "2001:db8:1:2::1"));
        Assert.Equal(401, await Status(strict, "GET", "/api/v1/leads", "2001:db8:1:2:ffff::2"));
        Assert.Equal(429, await Status(strict, "GET", "/api/v1/leads", "2001:db8:1:2:abcd::3"));
        Assert.Equal(401, await Status(strict, "GET", "/api/v1/leads", "2001:db8:1:3::1"));
    }

    [Fact]
    public async Task believe_a_forwarded_address_from_a_known_proxy_only()
    {
        await using var strict = TestHost.Beside(
            host.Database, ("Crm:Edge:AddressBurst", "1"), ("Crm:Edge:AddressPerSecond", "0.01"), ("Crm:Edge:KnownProxies:0", "10.0.0.0/8"));

        // A stranger who names himself anew with each request is still one.
        Assert.Equal(401, await Status(strict, "GET", "/api/v1/leads", "203.0.113.7", "198.51.100.1"));
        Assert.Equal(429, await Status(strict, "GET", "/api/v1/leads", "203.0.113.7", "198.51.100.2"));

        // Behind the proxy, each client counts for itself; what the client itself put into the header does not.
        Assert.Equal(401, await Status(strict, "GET", "/api/v1/leads", "10.1.2.3", "198.51.100.3"));
        Assert.Equal(401, await Status(strict, "GET", "/api/v1/leads", "10.1.2.3", "198.51.100.4"));
        Assert.Equal(429, await Status(strict, "GET", "/api/v1/leads", "10.1.2.3", "192.0.2.1, 198.51.100.4"));
    }

    [Fact]
    public void remember_a_bounded_number_of_callers_and_refill_evenly()
    {
        var clock = new SteadyClock();
        var budgets = new CallerBudgets("caller", burst: 10, perSecond: 2, clock);
        for (var taken = 0; taken < 10; taken++)
        {
            Assert.True(budgets.Take("a", out var left, out _));
            Assert.StartsWith($"\"caller\";r={9 - taken};", left, StringComparison.Ordinal);
        }

        Assert.False(budgets.Take("a", out _, out var wait));
        Assert.Equal(1, wait);
        clock.Move(TimeSpan.FromSeconds(1));
        Assert.True(budgets.Take("a", out _, out _));
        Assert.True(budgets.Take("a", out _, out _));
        Assert.False(budgets.Take("a", out _, out _));
        for (var caller = 0; caller < 120_000; caller++)
        {
            budgets.Take("c" + caller, out _, out _);
            if (caller == 60_000)
            {
                clock.Move(TimeSpan.FromSeconds(100));
            }
        }

        Assert.InRange(budgets.Callers, 1, 50_000);
    }

    private static async Task<int> Status(TestHost host, string method, string path, string from, string? forwarded = null)
    {
        var answer = await host.Server.SendAsync(
            http =>
            {
                http.Request.Method = method;
                http.Request.Path = path;
                http.Connection.RemoteIpAddress = IPAddress.Parse(from);
                if (forwarded is not null)
                {
                    http.Request.Headers["X-Forwarded-For"] = forwarded;
                }
            },
            TestContext.Current.CancellationToken);
        return answer.Response.StatusCode;
    }

    private sealed class SteadyClock : TimeProvider
    {
        private long now = 1_000_000;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now;

        public void Move(TimeSpan by) => now += by.Ticks;
    }
}

using System.Diagnostics;
using Npgsql;

namespace Crm.Web.Tests.Faults;

/// <summary>Every connection is taken: callers are told so soon, probes at once, and nothing has to be started again.</summary>
public sealed class Pool_used_up(TestHost host) : IClassFixture<TestHost>
{
    [Fact]
    public async Task answers_503_within_4_s_stays_alive_and_recovers()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var small = TestHost.Beside(host.Database, ("Crm:Database:MaxConnections", "30"));
        var admin = await small.Admin();
        var lead = await admin.Captured();
        var pool = small.Services.GetRequiredService<NpgsqlDataSource>();
        var held = new List<NpgsqlConnection>();
        try
        {
            while (true)
            {
                held.Add(await pool.OpenConnectionAsync(ct));
            }
        }
        catch (NpgsqlException full) when (full.InnerException is TimeoutException)
        {
            // Now there is none left.
        }

        var began = Stopwatch.GetTimestamp();
        var refused = (await admin.Get($"/leads/{lead}/history")).IsRefused(503, "unavailable");
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0, 4.5);
        Assert.NotNull(refused.Header("Retry-After"));
        using var prober = small.CreateClient();
        (await prober.Send(HttpMethod.Get, "/health/live", null)).Is(200);
        Assert.True((await prober.Send(HttpMethod.Get, "/health", null)).Status is 200 or 503);

        foreach (var connection in held)
        {
            await connection.DisposeAsync();
        }

        (await admin.Get($"/leads/{lead}/history")).Is(200);
    }
}

using Crm.Testing;
using Microsoft.AspNetCore.Mvc.Testing;

namespace Crm.Web.Tests.Operations;

public class The_database_goes_away
{
    [Fact]
    public async Task commands_answer_503_meanwhile_and_everything_resumes_by_itself()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var cluster = await OwnCluster.Start(durable: false, ct);
        await using var host = new WebApplicationFactory<Program>().WithWebHostBuilder(builder =>
        {
            builder.UseSetting("ConnectionStrings:Crm", cluster.Cluster.App());
            builder.UseSetting("ConnectionStrings:CrmOwner", cluster.Cluster.Owner());
            builder.UseSetting("Crm:Database:MinConnections", "0");
            builder.UseSetting("CRM_ADMIN_EMAIL", TestHost.AdminEmail);
            builder.UseSetting("CRM_ADMIN_PASSWORD", TestHost.AdminPassword);
            builder.ConfigureLogging(logging => logging.ClearProviders());
        });
        using var client = host.CreateClient();
        using var prober = host.CreateClient(); // as probes do: without a token
        const string credentials = $$"""{"email":"{{TestHost.AdminEmail}}","password":"{{TestHost.AdminPassword}}"}""";
        var login = (await client.Send(HttpMethod.Post, "/auth/login", credentials)).Is(200);
        client.DefaultRequestHeaders.Authorization = new("Bearer", login.Body.GetProperty("accessToken").GetString());
        var admin = new SignedInUser(client, Guid.Empty, TestHost.AdminEmail, "", "");
        var before = (await admin.Post("/leads", """{"lastName":"before"}""")).Is(201);
        (await admin.GetAfter(before.Position, "/leads")).Is(200);

        await cluster.Cluster.StopServer(ct);

        var meanwhile = (await admin.Post("/leads", """{"lastName":"meanwhile"}""")).Is(503);
        Assert.NotNull(meanwhile.Header("Retry-After"));
        Assert.Equal("unavailable", meanwhile.Code);
        Assert.NotNull((await admin.Get("/leads")).Is(503).Header("Retry-After"));
        (await prober.Send(HttpMethod.Get, "/health/ready", null)).Is(503);
        var health = (await prober.Send(HttpMethod.Get, "/health", null)).Is(503).Body;
        Assert.Equal("unavailable", health.GetProperty("status").GetString());
        using var stranger = host.CreateClient(); // with a token that no host remembers
        stranger.DefaultRequestHeaders.Authorization = new("Bearer", login.Body.GetProperty("accessToken").GetString() + "x");
        foreach (var open in new[] { prober, client, stranger })
        {
            (await open.Send(HttpMethod.Get, "/health/live", null)).Is(200);
            (await open.Send(HttpMethod.Get, "/metrics", null)).Is(200);
            (await open.Send(HttpMethod.Get, "/docs/index.html", null)).Is(200);
            (await open.Send(HttpMethod.Get, "/openapi/v1.json", null)).Is(200);
            (await open.Send(HttpMethod.Get, "/health/ready", null)).Is(503);
            var signIn = await open.Send(HttpMethod.Post, "/auth/login", """{"email":"a@example.com","password":"x"}""");
            Assert.NotNull(signIn.IsRefused(503, "unavailable").Header("Retry-After"));
            var renewal = await open.Send(HttpMethod.Post, "/auth/refresh", """{"refreshToken":"x"}""");
            Assert.True(renewal.Status is 401 or 503, renewal.Text);
            Assert.Equal("application/problem+json", renewal.Message.Content.Headers.ContentType?.MediaType);
        }

        await cluster.Cluster.StartServer(ct);

        var within = TimeSpan.FromSeconds(5);
        await Eventually.IsTrue(async () => (await prober.Send(HttpMethod.Get, "/health/ready", null)).Status == 200, ct, within);
        var after = await Eventually.Value(
            async () => await admin.Post("/leads", """{"lastName":"after"}""") is { Status: 201 } answer ? answer : null, ct, within);
        var readModels = TimeSpan.FromSeconds(10);
        await Eventually.IsTrue(
            async () => (await admin.GetAfter(after.Position, "/leads?q=after")) is { Status: 200, Items.Count: 1 }, ct, readModels);
        await Eventually.IsTrue(async () => (await admin.GetAfter(after.Position, "/reports/funnel")).Status == 200, ct, readModels);
    }
}

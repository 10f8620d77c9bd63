using Crm.Testing;

namespace Crm.Web.Tests.Security.Tokens;

public sealed class A_deactivated_user(TestHost host) : IClassFixture<TestHost>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task is_out_on_every_host_within_five_seconds_by_whatever_way_they_came()
    {
        await using var second = TestHost.Beside(host.Database);
        var admin = await host.Admin();
        var agent = await host.Register("agent");
        var issued = (await admin.Post("/api-keys", KeyOf(agent))).Is(201);
        var key = issued.Body.GetProperty("key").GetString() ?? "";
        var ways = new[] { host, second }.SelectMany(on => new[] { agent.AccessToken, key }.Select(token => With(token, on))).ToList();
        foreach (var way in ways)
        {
            (await way.Get("/leads")).Is(200);
        }

        (await admin.Post($"/users/{agent.Id}/deactivate", """{"reason":"left"}""")).Is(200);
        foreach (var way in ways)
        {
            await Eventually.IsTrue(async () => (await way.Get("/leads")).Status == 401, Ct, TimeSpan.FromSeconds(5));
        }

        // And nothing new begins: no session goes on, nobody signs in, no key is made.
        using var renewed = await second.CreateClient().PostAsJsonAsync("/api/v1/auth/refresh", new { refreshToken = agent.RefreshToken }, Ct);
        Assert.Equal(401, (int)renewed.StatusCode);
        using var login = await second.CreateClient().PostAsJsonAsync("/api/v1/auth/login", new { email = agent.Email, password = TestHost.UserPassword }, Ct);
        Assert.Equal(401, (int)login.StatusCode);
        (await admin.Post("/api-keys", KeyOf(agent)))
            .IsRefused(409, "agent-inactive");
    }

    private static string KeyOf(SignedInUser user) => $$"""{"name":"theirs","userId":"{{user.Id}}","scopes":["leads:read"]}""";

    private static SignedInUser With(string token, TestHost on)
    {
        var client = on.CreateClient();
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        return new SignedInUser(client, Guid.Empty, "", token, "");
    }
}

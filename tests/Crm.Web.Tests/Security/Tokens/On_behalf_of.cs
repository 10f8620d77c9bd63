using System.Text.Json;
using Crm.Testing;
using Crm.Web.ApiKeys;
using Npgsql;

namespace Crm.Web.Tests.Security.Tokens;

public sealed class On_behalf_of(TestHost host) : IClassFixture<TestHost>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task a_key_acts_as_the_user_and_the_audit_names_all_three()
    {
        var admin = await host.Admin();
        var agent = await host.Register("agent");
        var key = await Issue(admin.Id, actsForOthers: true, "leads:write");
        var (client, header) = (With(key), ("On-Behalf-Of", agent.Id.ToString()));
        Assert.Equal(agent.Id, (await client.Get("/me", header)).Is(200).Id);
        var lead = (await client.Post("/leads", """{"lastName":"Lovelace"}""", header)).Is(201);
        await using var headers = host.Database.App.CreateCommand("select headers::text from crm.mt_events where stream_id = $1 and version = 1");
        headers.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = lead.Id });
        using var stored = JsonDocument.Parse((string)(await headers.ExecuteScalarAsync(Ct) ?? "{}"));
        Assert.Equal(admin.Id.ToString(), stored.RootElement.GetProperty("actor").GetString());
        Assert.Equal(agent.Id.ToString(), stored.RootElement.GetProperty("onBehalfOf").GetString());
        Assert.Equal(ApiKeyText.Parse(key)?.Id.ToString(), stored.RootElement.GetProperty("apiKeyId").GetString());
    }

    [Fact]
    public async Task has_the_rights_of_that_user_and_no_others()
    {
        var admin = await host.Admin();
        var agent = await host.Register("agent");
        var client = With(await Issue(admin.Id, actsForOthers: true, "leads:read", "users:manage"));
        (await client.Get("/users")).Is(200);
        (await client.Get("/users", ("On-Behalf-Of", agent.Id.ToString()))).IsRefused(403, "forbidden");

        // Nor does a key give its holder more than its own user has.
        var agents = With(await Issue(agent.Id, actsForOthers: true, "leads:read", "users:manage"));
        foreach (var role in new[] { "manager", "auditor", "ops" })
        {
            (await agents.Get("/me", ("On-Behalf-Of", (await host.As(role)).Id.ToString()))).IsRefused(403, "not-on-behalf-of");
        }

        (await agents.Get("/users", ("On-Behalf-Of", admin.Id.ToString()))).IsRefused(403, "not-on-behalf-of");
        (await agents.Get("/me", ("On-Behalf-Of", (await host.As("agent")).Id.ToString()))).Is(200);
    }

    [Fact]
    public async Task is_not_for_every_key_nor_for_persons_nor_for_everybody()
    {
        var admin = await host.Admin();
        var agent = await host.Register("agent");
        var header = ("On-Behalf-Of", agent.Id.ToString());
        (await With(await Issue(admin.Id, actsForOthers: false, "leads:read")).Get("/me", header)).IsRefused(403, "not-on-behalf-of");
        (await admin.Get("/me", header)).IsRefused(400, "malformed");

        var client = With(await Issue(admin.Id, actsForOthers: true, "leads:read"));
        foreach (var nobody in new[] { Guid.NewGuid().ToString(), agent.Id.ToString("N"), "x", $"{{{agent.Id}}}" })
        {
            (await client.Get("/me", ("On-Behalf-Of", nobody))).IsRefused(403, "not-on-behalf-of");
        }

        (await client.Get("/me", header)).Is(200);
        (await admin.Post($"/users/{agent.Id}/deactivate")).Is(200);
        await Eventually.IsTrue(async () => (await client.Get("/me", header)).Code == "not-on-behalf-of", Ct, TimeSpan.FromSeconds(5));
        (await client.Get("/me")).Is(200);
    }

    private SignedInUser With(string key)
    {
        var client = host.CreateClient();
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        return new SignedInUser(client, Guid.Empty, "", key, "");
    }

    private async Task<string> Issue(Guid userId, bool actsForOthers, params string[] scopes)
    {
        var body = JsonSerializer.Serialize(new { name = "a key", userId, scopes, actsForOthers });
        return (await (await host.Admin()).Post("/api-keys", body)).Is(201).Body.GetProperty("key").GetString() ?? "";
    }
}

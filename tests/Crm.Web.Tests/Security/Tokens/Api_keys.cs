using System.Text.Json;
using Crm.Testing;
using Crm.Web.ApiKeys;
using Npgsql;

namespace Crm.Web.Tests.Security.Tokens;

public sealed class Api_keys(TestHost host) : IClassFixture<TestHost>
{
    // What the product promises on every host.
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(5);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task are_shown_once()
    {
        var admin = await host.Admin();
        var repeated = ("Idempotency-Key", Guid.NewGuid().ToString());
        var issued = (await admin.Post("/api-keys", """{"name":"the website","scopes":["leads:read"]}""", repeated)).Is(201);
        Assert.Equal("no-store", issued.Header("Cache-Control"));
        Assert.Equal($"/api/v1/api-keys/{issued.Id}", issued.Header("Location"));
        Assert.Equal(["api-key-issued"], issued.Events);
        var key = issued.Body.GetProperty("key").GetString() ?? "";
        Assert.Equal(issued.Id, ApiKeyText.Parse(key)?.Id);

        var again = (await admin.Post("/api-keys", """{"name":"the website","scopes":["leads:read"]}""", repeated)).Is(201);
        Assert.Equal(issued.Id, again.Id);
        Assert.Equal("true", again.Header("Idempotent-Replayed"));
        var secret = key[^43..];
        foreach (var text in new[]
        {
            again.Text, (await admin.Get($"/api-keys/{issued.Id}")).Is(200).Text, (await admin.Get("/api-keys?limit=200")).Is(200).Text,
            await Stored("crm.api_keys"), await Stored("crm.mt_events"), await Stored("crm.receipts"), string.Join('\n', host.Log.Lines),
        })
        {
            Assert.DoesNotContain(secret, text, StringComparison.Ordinal);
        }

        (await With(key).Get("/me")).Is(200);
    }

    [Fact]
    public async Task stand_in_the_documentation_where_they_may_and_nowhere_else()
    {
        using var nobody = host.CreateClient();
        using var document = JsonDocument.Parse((await nobody.Send(HttpMethod.Get, "/openapi/v1.json", null)).Is(200).Text);
        var paths = document.RootElement.GetProperty("paths");
        var capture = paths.GetProperty("/api/v1/leads").GetProperty("post").GetProperty("security").EnumerateArray().ToList();
        Assert.Contains(capture, static way => way.TryGetProperty("apiKey", out var scopes) && scopes[0].GetString() == "leads:write");
        var issue = paths.GetProperty("/api/v1/api-keys").GetProperty("post").GetProperty("security").EnumerateArray();
        Assert.DoesNotContain(issue, static way => way.TryGetProperty("apiKey", out _));
    }

    [Fact]
    public async Task tell_who_asks_what_they_may_be_used_for()
    {
        var key = With(await Issue((await host.As("agent")).Id, "reports:read", "leads:read"));
        var me = (await key.Get("/me")).Is(200).Body;
        Assert.Equal(["leads:read", "reports:read"], me.GetProperty("scopes").EnumerateArray().Select(static scope => scope.GetString()));
        Assert.Equal(JsonValueKind.Array, me.GetProperty("teamIds").ValueKind);
    }

    [Fact]
    public async Task do_what_both_their_scopes_and_their_users_role_admit()
    {
        var agent = await host.Register("agent");
        var reader = With(await Issue(agent.Id, "leads:read", "users:manage"));
        (await reader.Get("/leads")).Is(200);
        (await reader.Post("/leads", """{"lastName":"Lovelace"}""")).IsRefused(403, "forbidden");
        (await reader.Get("/users")).IsRefused(403, "forbidden");
        (await reader.Get("/reports/funnel")).IsRefused(403, "forbidden");

        var writer = With(await Issue(agent.Id, "leads:write"));
        var lead = (await writer.Post("/leads", """{"lastName":"Lovelace"}""")).Is(201);
        (await writer.Get($"/leads/{lead.Id}")).IsRefused(403, "forbidden");
        await using var headers = host.Database.App.CreateCommand("select headers::text from crm.mt_events where stream_id = $1");
        headers.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = lead.Id });
        using var stored = JsonDocument.Parse((string)(await headers.ExecuteScalarAsync(Ct) ?? "{}"));
        Assert.Equal(agent.Id.ToString(), stored.RootElement.GetProperty("actor").GetString());
        Assert.True(stored.RootElement.TryGetProperty("apiKeyId", out _));
        Assert.False(stored.RootElement.TryGetProperty("onBehalfOf", out _));
    }

    [Fact]
    public async Task make_no_keys_and_change_no_signing_keys_whatever_their_scopes()
    {
        var admin = await host.Admin();
        var all = With(await Issue(
            admin.Id, "audit:read", "events:read", "leads:export", "leads:read", "leads:write", "ops", "reports:read", "users:manage"));
        (await all.Get("/users")).Is(200);
        (await all.Get("/ops/projections")).Is(200);
        (await all.Post("/api-keys", """{"name":"another","scopes":["leads:read"]}""")).IsRefused(403, "forbidden");
        (await all.Get("/api-keys")).IsRefused(403, "forbidden");
        (await all.Post("/ops/signing-keys/rotate")).IsRefused(403, "forbidden");
    }

    [Fact]
    public async Task that_are_not_quite_right_are_refused()
    {
        var key = await Issue((await host.As("agent")).Id, "leads:read");
        var text = ApiKeyText.Parse(key) ?? throw new InvalidOperationException("It is no key.");
        foreach (var wrong in new[]
        {
            key[..^1], key + "A", key[..^1] + (key[^1] == 'A' ? 'E' : 'A'), key[..10], "crm_", key.ToUpperInvariant(), key.Replace("crm_", "CRM_", StringComparison.Ordinal),
            (text with { Id = Guid.NewGuid() }).Text(), ApiKeyText.New(text.Id).Text(), $"{key} {key}", $"{key}=",
        })
        {
            (await With(wrong).Get("/me")).IsRefused(401, "unauthenticated");
        }

        (await With(key).Get("/me")).Is(200);
    }

    [Theory]
    [InlineData("""{"name":"a key","scopes":[]}""", "invalid", 422)]
    [InlineData("""{"name":"a key","scopes":["leads:everything"]}""", "invalid", 422)]
    [InlineData("""{"name":"a key","scopes":["leads:read",null]}""", "invalid", 422)]
    [InlineData("""{"name":" ","scopes":["leads:read"]}""", "invalid", 422)]
    [InlineData("""{"name":"a key","scopes":["leads:read"],"expiresAt":"2020-01-01T00:00:00Z"}""", "expired", 422)]
    [InlineData("""{"name":"a key","scopes":["leads:read"],"userId":"00000000-0000-7000-8000-000000000001"}""", "unknown-user", 422)]
    public async Task that_make_no_sense_are_not_issued(string body, string code, int status)
    {
        var before = await Count();
        (await (await host.Admin()).Post("/api-keys", body)).IsRefused(status, code);
        Assert.Equal(before, await Count());
    }

    [Fact]
    public async Task end_when_they_say()
    {
        await using var own = TestHost.Beside(host.Database);
        var until = own.Clock.GetUtcNow().AddMinutes(5);
        var admin = await host.Admin();
        var key = (await admin.Post("/api-keys", $$"""{"name":"for a while","scopes":["leads:read"],"expiresAt":"{{until:O}}"}"""))
            .Is(201).Body.GetProperty("key").GetString() ?? "";
        (await With(key, own).Get("/me")).Is(200);
        own.Clock.Move(TimeSpan.FromMinutes(5));
        (await With(key, own).Get("/me")).IsRefused(401, "unauthenticated");
    }

    [Fact]
    public async Task that_are_revoked_end_on_every_host()
    {
        await using var second = TestHost.Beside(host.Database);
        var admin = await host.Admin();
        var key = await Issue((await host.As("agent")).Id, "leads:read");
        (await With(key, second).Get("/me")).Is(200);
        var id = ApiKeyText.Parse(key)?.Id;
        var revoked = (await admin.Post($"/api-keys/{id}/revoke", """{"reason":"lost"}""")).Is(200);
        Assert.Equal(["api-key-revoked"], revoked.Events);
        await Eventually.IsTrue(async () => (await With(key, second).Get("/me")).Status == 401, Ct, Promised);
        await Eventually.IsTrue(async () => (await With(key).Get("/me")).Status == 401, Ct, Promised);
        Assert.Empty((await admin.Post($"/api-keys/{id}/revoke")).Is(200).Events);
        var read = (await admin.Get($"/api-keys/{id}")).Is(200).Body;
        Assert.NotEqual(JsonValueKind.Null, read.GetProperty("revokedAt").ValueKind);
        Assert.NotEqual(JsonValueKind.Null, read.GetProperty("lastUsedAt").ValueKind);
    }

    [Fact]
    public async Task share_no_idempotency_keys_with_their_user()
    {
        var agent = await host.Register("agent");
        var repeated = ("Idempotency-Key", Guid.NewGuid().ToString());
        var key = With(await Issue(agent.Id, "leads:write"));
        var persons = (await agent.Post("/leads", """{"lastName":"Lovelace"}""", repeated)).Is(201);
        var keys = (await key.Post("/leads", """{"lastName":"Lovelace"}""", repeated)).Is(201);
        Assert.NotEqual(persons.Id, keys.Id);
        Assert.Null(keys.Header("Idempotent-Replayed"));
    }

    private SignedInUser With(string key, TestHost? on = null)
    {
        var client = (on ?? host).CreateClient();
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        return new SignedInUser(client, Guid.Empty, "", key, "");
    }

    private async Task<string> Issue(Guid userId, params string[] scopes)
    {
        var body = JsonSerializer.Serialize(new { name = "a key", userId, scopes });
        return (await (await host.Admin()).Post("/api-keys", body)).Is(201).Body.GetProperty("key").GetString() ?? "";
    }

    private async Task<string> Stored(string table)
    {
        await using var text = host.Database.App.CreateCommand($"select coalesce(string_agg(t::text, ' '), '') from {table} t");
        return (string)(await text.ExecuteScalarAsync(Ct) ?? "");
    }

    private async Task<long> Count()
    {
        await using var count = host.Database.App.CreateCommand("select count(*) from crm.api_keys");
        return (long)(await count.ExecuteScalarAsync(Ct) ?? 0L);
    }
}

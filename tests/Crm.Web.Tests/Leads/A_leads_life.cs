using Crm.Web.Tests.Security.Permissions;

namespace Crm.Web.Tests.Leads;

public class A_leads_life(TestHost host) : IClassFixture<TestHost>
{
    private const string Call = """{"kind":"call","direction":"out","at":"2026-01-01T00:00:00Z"}""";

    [Fact]
    public async Task begins_with_its_capture_at_an_address_of_its_own()
    {
        var agent = await host.As("agent");

        var answer = (await agent.Post("/leads", """{"lastName":"Lovelace","email":"ada@example.com","tags":["b","a","b"]}""")).Is(201);

        // What an agent captures is the agent's own.
        Assert.Equal(["lead-captured", "lead-assigned"], answer.Events);
        Assert.Equal("\"2\"", answer.Header("ETag"));
        Assert.Equal(answer.Position.ToString(System.Globalization.CultureInfo.InvariantCulture), answer.Header("Event-Position"));
        var lead = (await agent.Get(answer.Header("Location")!)).Is(200).Body; // asserted to be there by being read
        Assert.Equal("Lovelace", lead.GetProperty("lastName").GetString());
        Assert.Equal(["a", "b"], lead.GetProperty("tags").EnumerateArray().Select(tag => tag.GetString()));
        Assert.Equal("new", lead.GetProperty("status").GetString());
    }

    [Fact]
    public async Task may_begin_under_an_id_of_the_clients_own()
    {
        var agent = await host.As("agent");
        var id = Guid.CreateVersion7();
        var body = $$"""{"id":"{{id}}","lastName":"Lovelace"}""";

        Assert.Equal(id, (await agent.Post("/leads", body)).Is(201).Id);
        (await agent.Post("/leads", body)).IsRefused(409, "already-exists");
    }

    [Fact]
    public async Task goes_from_capture_to_conversion_and_back()
    {
        var agent = await host.As("agent");
        var id = await agent.Captured();

        Assert.Equal(["lead-activity-logged", "lead-contacted"], (await agent.Post($"/leads/{id}/activities", Call)).Is(200).Events);
        Assert.Equal(["lead-note-added"], (await agent.Post($"/leads/{id}/notes", """{"text":"Wants a call."}""")).Is(200).Events);
        Assert.Equal(["lead-qualified"], (await agent.Post($"/leads/{id}/qualify", """{"score":85}""")).Is(200).Events);
        Assert.Equal(["lead-converted"], (await agent.Post(
            $"/leads/{id}/convert",
            """{"opportunity":{"name":"Engine","value":{"amount":10.5,"currency":"EUR"},"expectedClose":"2027-01-31"},"customer":{"name":"Ada"}}""")).Is(200).Events);
        Assert.Equal(["lead-unconverted"], (await agent.Post($"/leads/{id}/unconvert", """{"reason":"Not signed."}""")).Is(200).Events);
        Assert.Equal("lead-disqualified", (await agent.Post($"/leads/{id}/disqualify", """{"reason":"Gone."}""")).Is(200).Events[0]);
        Assert.Equal("lead-reopened", (await agent.Post($"/leads/{id}/reopen", """{"reason":"Back."}""")).Is(200).Events[0]);
        Assert.Equal(["lead-archived"], (await agent.Post($"/leads/{id}/archive", """{"reason":"Done."}""")).Is(200).Events);
        Assert.Equal(["lead-unarchived"], (await agent.Post($"/leads/{id}/unarchive")).Is(200).Events);

        var history = (await agent.Get($"/leads/{id}/history")).Is(200).Items;
        Assert.Equal(Enumerable.Range(1, history.Count), history.Select(item => item.GetProperty("version").GetInt32()));
        Assert.Contains(
            history,
            item => item.GetProperty("type").GetString() == "lead-unconverted" && item.GetProperty("reason").GetString() == "Not signed.");
        Assert.All(history, item => Assert.Equal(agent.Id.ToString(), item.GetProperty("actor").GetString()));
    }

    [Fact]
    public async Task passes_from_agent_to_agent()
    {
        var manager = await host.As("manager");
        var (one, other) = await Company.TwoOfATeam(host);
        var id = await manager.Captured();

        Assert.Equal(["lead-claimed"], (await one.Post($"/leads/{id}/claim")).Is(200).Events);
        (await other.Post($"/leads/{id}/claim")).IsRefused(409, "already-assigned");
        (await other.Post($"/leads/{id}/complete-assignment")).IsRefused(403, "forbidden");
        var transferred = await one.Post($"/leads/{id}/transfer", $$"""{"agentId":"{{other.Id}}","reason":"Holiday."}""");
        Assert.Equal(["lead-transferred"], transferred.Is(200).Events);
        var completed = await other.Post($"/leads/{id}/complete-assignment", """{"outcome":"Sold."}""");
        Assert.Equal(["lead-assignment-completed"], completed.Is(200).Events);
        Assert.Equal(["lead-unassigned"], (await other.Post($"/leads/{id}/unassign")).Is(200).Events);
        (await one.Post($"/leads/{id}/assign", $$"""{"agentId":"{{other.Id}}"}""")).IsRefused(403, "forbidden");
        Assert.Equal(["lead-assigned"], (await manager.Post($"/leads/{id}/assign", $$"""{"agentId":"{{other.Id}}"}""")).Is(200).Events);
        Assert.Empty((await manager.Post($"/leads/{id}/assign", $$"""{"agentId":"{{other.Id}}"}""")).Is(200).Events);
    }

    [Fact]
    public async Task cannot_be_given_to_somebody_who_is_not_there_or_not_active()
    {
        var admin = await host.Admin();
        var gone = await host.Register("agent");
        (await admin.Post($"/users/{gone.Id}/deactivate")).Is(200);
        var id = await admin.Captured();

        (await admin.Post($"/leads/{id}/assign", $$"""{"agentId":"{{gone.Id}}"}""")).IsRefused(409, "agent-inactive");
        (await admin.Post($"/leads/{id}/assign", $$"""{"agentId":"{{Guid.NewGuid()}}"}""")).IsRefused(422, "unknown-agent");
    }

    [Fact]
    public async Task changes_by_merge_patch_one_event_for_each_meaning()
    {
        var agent = await host.As("agent");
        var id = await agent.Captured("""{"lastName":"Lovelace","company":"Analytical","value":{"amount":1,"currency":"EUR"},"tags":["a"]}""");

        var answer = (await agent.Patch(
            $"/leads/{id}",
            """{"firstName":"Ada","company":null,"value":{"amount":2.50},"tags":["b","a"]}""",
            ("Content-Type", "application/merge-patch+json"))).Is(200);

        Assert.Subset(
            new HashSet<string?>(answer.Events),
            new HashSet<string?> { "lead-contact-details-changed", "lead-company-changed", "lead-value-changed", "lead-tags-changed" });
        var lead = (await agent.Get($"/leads/{id}")).Body;
        Assert.Equal("Ada", lead.GetProperty("firstName").GetString());
        Assert.Equal("Lovelace", lead.GetProperty("lastName").GetString());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, lead.GetProperty("company").ValueKind);
        Assert.Equal("""{"amount":2.50,"currency":"EUR"}""", lead.GetProperty("value").GetRawText());
        Assert.Empty((await agent.Patch($"/leads/{id}", """{"firstName":"Ada"}""")).Is(200).Events);
    }

    [Fact]
    public async Task goes_back_to_an_earlier_state_and_keeps_its_history()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured("""{"lastName":"Lovelace","company":"Analytical"}""");
        (await manager.Patch($"/leads/{id}", """{"company":"Other"}""")).Is(200);

        Assert.Equal(["lead-restored"], (await manager.Post($"/leads/{id}/restore", """{"version":1,"reason":"A mistake."}""")).Is(200).Events);

        Assert.Equal("Analytical", (await manager.Get($"/leads/{id}")).Body.GetProperty("company").GetString());
        (await manager.Post($"/leads/{id}/restore", """{"version":99,"reason":"x"}""")).IsRefused(409, "not-found-at");
        (await manager.Post($"/leads/{id}/restore", """{"asOf":"2020-01-01T00:00:00Z"}""")).IsRefused(409, "not-found-at");
        (await manager.Post($"/leads/{id}/restore", """{"reason":"x"}""")).IsRefused(422, "invalid");
    }

    [Fact]
    public async Task keeps_an_external_id_for_itself_until_it_gives_it_up()
    {
        var manager = await host.As("manager");
        var key = Guid.NewGuid().ToString();
        var id = await manager.Captured($$"""{"externalId":"{{key}}"}""");

        (await manager.Post("/leads", $$"""{"externalId":"{{key}}"}""")).IsRefused(409, "duplicate-external-id");
        (await manager.Patch($"/leads/{id}", """{"externalId":null,"lastName":"Lovelace"}""")).Is(200);
        (await manager.Post("/leads", $$"""{"externalId":"{{key}}"}""")).Is(201);
        (await manager.Post($"/leads/{id}/restore", """{"version":1}""")).IsRefused(409, "duplicate-external-id");
    }
}

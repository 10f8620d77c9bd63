using System.Text.Json;

namespace Crm.Web.Tests.Erasure;

public sealed class Telling_a_person_what_is_held(TestHost host) : IClassFixture<TestHost>
{
    [Fact]
    public async Task names_every_event_with_its_data_who_did_it_and_why()
    {
        var admin = await host.Admin();
        var agent = await host.As("agent");
        var id = await agent.Captured("""{"lastName":"Byron","email":"ada@byron.example","tags":["vip"]}""");
        (await agent.Post($"/leads/{id}/notes", """{"text":"Likes tea."}""", ("Idempotency-Key", $"note-{id}"))).Is(200);
        (await agent.Post($"/leads/{id}/archive", """{"reason":"Not now."}""")).Is(200);
        (await agent.Get($"/leads/{id}")).Is(200);

        var told = (await admin.Get($"/leads/{id}/personal-data")).Is(200).Body;

        Assert.Equal("ada@byron.example", told.GetProperty("lead").GetProperty("email").GetString());
        var events = told.GetProperty("events").EnumerateArray().ToList();
        Assert.Equal(
            (await admin.Get($"/leads/{id}/history")).Items.Select(item => item.GetProperty("type").GetString()),
            events.Select(each => each.GetProperty("type").GetString()));
        Assert.All(events, each => Assert.Equal(agent.Id.ToString(), each.GetProperty("actor").GetString()));
        Assert.All(events, each => Assert.Equal("A agent", each.GetProperty("actorName").GetString()));
        Assert.Equal("Byron", events[0].GetProperty("data").GetProperty("details").GetProperty("lastName").GetString());
        Assert.Equal("Not now.", events[^1].GetProperty("reason").GetString());
        Assert.Contains("Note: Likes tea.", events.Select(each => each.GetProperty("says").GetString()));
        Assert.Equal(1, told.GetProperty("requests").GetInt64());

        // Who looked where a look is recorded: the agent at what is archived, and this very look.
        var reads = told.GetProperty("reads").EnumerateArray().Select(Who).ToList();
        Assert.Equal([(agent.Id.ToString(), "archived-lead"), (admin.Id.ToString(), "personal-data")], reads);
        Assert.Contains(told.GetProperty("models").EnumerateArray(), table => table.GetProperty("table").GetString() == "activity_facts");
    }

    [Fact]
    public async Task is_a_page_on_which_nothing_runs()
    {
        var admin = await host.Admin();
        var id = await admin.Captured("""{"lastName":"<script>alert('1')</script>","company":"Bücher & Söhne"}""");
        (await admin.Post($"/leads/{id}/notes", """{"text":"</pre><img src=x onerror=alert(1)>"}""")).Is(200);

        var page = (await admin.Get($"/leads/{id}/personal-data", ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"))).Is(200);

        Assert.Equal("text/html; charset=utf-8", page.Header("Content-Type"));
        Assert.StartsWith("default-src 'none'; style-src 'sha256-", page.Header("Content-Security-Policy"), StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page.Text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<img", page.Text, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("&lt;script&gt;alert(", page.Text, StringComparison.Ordinal);
        Assert.Contains("Bücher &amp; Söhne", page.Text, StringComparison.Ordinal);
        Assert.Equal("no-store", page.Header("Cache-Control"));
    }

    [Fact]
    public async Task tells_after_an_erasure_that_there_is_nothing_any_more()
    {
        var admin = await host.Admin();
        var id = await admin.Captured("""{"lastName":"Lovelacedottir"}""");
        (await admin.Post($"/leads/{id}/erase", """{"reason":"Article 17","requestedBy":"the person"}""")).Is(200);

        var told = (await admin.Get($"/leads/{id}/personal-data")).Is(200);
        Assert.DoesNotContain("Lovelacedottir", told.Text, StringComparison.Ordinal);
        Assert.True(told.Body.GetProperty("lead").GetProperty("erased").GetBoolean());
    }

    [Fact]
    public async Task is_for_admins_in_person_and_of_leads_that_are_there()
    {
        var id = await (await host.Admin()).Captured();
        foreach (var role in new[] { "agent", "manager", "auditor", "ops" })
        {
            (await (await host.As(role)).Get($"/leads/{id}/personal-data")).Is(403);
        }

        (await (await host.Admin()).Get($"/leads/{Guid.CreateVersion7()}/personal-data")).IsRefused(404, "not-found");
    }

    private static (string? Actor, string? What) Who(JsonElement read) => (read.GetProperty("actor").GetString(), read.GetProperty("what").GetString());
}

using System.Globalization;
using System.Text.Json;

namespace Crm.Web.Tests.Security.Permissions;

/// <summary>What counts is whose a lead is today, whatever is asked, by whatever way.</summary>
public sealed class Todays_rights(Company company) : IClassFixture<Company>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task hide_a_lead_that_was_mine_and_is_a_strangers_as_of_then_too()
    {
        var agent = company["agent"];
        var source = Guid.NewGuid().ToString("N");
        var id = await company.LeadOf("agent", source);
        var then = company.Last;
        var at = (await company["admin"].Get($"/leads/{id}")).Body.GetProperty("updatedAt").GetString();
        Assert.Single((await agent.GetAfter(then, $"/leads?source={source}&asOfPosition={then}")).Is(200).Items);

        company.Did(await agent.Post($"/leads/{id}/transfer", $$"""{"agentId":"{{company["stranger"].Id}}"}"""));

        // The very next request: what is read by id is never behind.
        foreach (var path in new[]
        {
            "", "/history", "/timeline", "/score", "?version=1", $"?asOfPosition={then}", $"/history?asOfPosition={then}",
            $"/score?asOf={at}", $"/timeline?cursor=1",
        })
        {
            (await agent.Get($"/leads/{id}{path}")).IsRefused(404, "not-found");
        }

        (await agent.Get($"/leads/{id}", ("If-None-Match", "\"2\""))).IsRefused(404, "not-found");
        foreach (var moment in new[] { "", $"&asOfPosition={then}", $"&asOf={at}" })
        {
            Assert.Empty((await company.Read("agent", $"/leads?source={source}{moment}")).Items);
            Assert.DoesNotContain(id.ToString(), (await company.Read("agent", $"/leads/export?source={source}{moment}")).Text);
            Assert.DoesNotContain(source, (await company.Read("agent", $"/reports/sources?{moment.TrimStart('&')}")).Text);
            Assert.Empty((await company.Read("agent", $"/leads?ownerId={company["stranger"].Id}{moment}")).Items);
        }
    }

    [Fact]
    public async Task show_a_lead_that_was_a_strangers_and_is_mine_as_it_stood_then()
    {
        var source = Guid.NewGuid().ToString("N");
        var id = await company.LeadOf("stranger", source);
        var then = company.Last;
        company.Did(await company["admin"].Post($"/leads/{id}/assign", $$"""{"agentId":"{{company["agent"].Id}}"}"""));

        var shown = Assert.Single((await company.Read("agent", $"/leads?source={source}&asOfPosition={then}")).Items);
        Assert.Equal(company["stranger"].Id, shown.GetProperty("ownerId").GetGuid());
        (await company["agent"].Get($"/leads/{id}?version=1")).Is(200);
    }

    [Fact]
    public async Task let_no_search_find_a_strangers_name()
    {
        var name = Guid.NewGuid().ToString("N");
        await company.LeadOf("stranger", lastName: name);
        Assert.Empty((await company.Read("agent", $"/leads?q={name}")).Items);
        Assert.Single((await company.Read("admin", $"/leads?q={name}")).Items);
    }

    [Theory]
    [InlineData("agent")]
    [InlineData("manager")]
    [InlineData("overseer")]
    [InlineData("stranger")]
    public async Task count_in_every_report_what_the_list_shows(string person)
    {
        foreach (var owner in new[] { "agent", "mate", "manager", "stranger", null })
        {
            await company.LeadOf(owner);
        }

        // First somebody who sees all: what is remembered of their figures must not be told.
        foreach (var reader in new[] { "admin", person })
        {
            // Leads that were put away stand in no status now; that they were captured still counts.
            var leads = await CountLeads(reader, "any");
            var standing = await CountLeads(reader, "false");
            foreach (var path in new[] { "", $"?asOfPosition={company.Last}", "?from=2020-01-01T00:00:00Z" })
            {
                Assert.Equal(standing, (await Items(reader, "/reports/funnel" + path)).Sum(line => line.GetProperty("now").GetInt32()));
            }

            Assert.Equal(leads, (await Items(reader, "/reports/sources")).Sum(line => line.GetProperty("captured").GetInt32()));
            Assert.Equal(
                leads,
                (await Items(reader, "/reports/trend?metric=captured&interval=day")).Sum(point => point.GetProperty("count").GetInt32()));
            var activity = (await company.Read(reader, "/reports/activity")).Body;
            Assert.Equal(leads, activity.GetProperty("events").EnumerateArray()
                .Single(line => line.GetProperty("what").GetString() == "lead-captured").GetProperty("count").GetInt32());
            var waits = (await company.Read(reader, "/reports/response-times")).Body;
            Assert.Equal(leads, waits.GetProperty("waiting").GetInt32());
        }
    }

    [Fact]
    public async Task refuse_a_cursor_of_somebody_else()
    {
        var source = Guid.NewGuid().ToString("N");
        await company.LeadOf(null, source);
        await company.LeadOf(null, source);
        var page = (await company.Read("admin", $"/leads?source={source}&limit=1")).Body;
        var cursor = page.GetProperty("nextCursor").GetString();
        (await company["stranger"].Get($"/leads?source={source}&limit=1&cursor={cursor}")).IsRefused(400, "invalid-parameter");
        (await company["admin"].Get($"/leads?source={source}&limit=1&cursor={cursor}")).Is(200);
    }

    [Fact]
    public async Task tell_nothing_by_the_way()
    {
        var agent = company["agent"];
        var id = await company.LeadOf("stranger");
        var nothing = Guid.CreateVersion7();
        foreach (var (name, value) in new[] { ("If-Match", "\"1\""), ("If-Match", "\"99\""), ("X-Any", "1") })
        {
            (await agent.Patch($"/leads/{id}", """{"company":"x"}""", (name, value))).IsRefused(404, "not-found");
        }

        // A saved answer says whether there was something to save: neither is saved.
        foreach (var lead in new[] { id, nothing })
        {
            var key = ("Idempotency-Key", Guid.NewGuid().ToString());
            (await agent.Post($"/leads/{lead}/archive", null, key)).IsRefused(404, "not-found");
            Assert.Null((await agent.Post($"/leads/{lead}/archive", null, key)).IsRefused(404, "not-found").Header("Idempotent-Replayed"));
        }

        // Ids are chosen by clients and unique for all: that one is taken is told, and nothing else.
        (await agent.Post("/leads", $$"""{"id":"{{id}}","lastName":"x"}""")).IsRefused(409, "already-exists");
    }

    [Fact]
    public async Task still_repeat_what_was_told()
    {
        var agent = company["agent"];
        var id = await company.LeadOf("agent");
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        var body = $$"""{"agentId":"{{company["stranger"].Id}}"}""";
        var first = company.Did(await agent.Post($"/leads/{id}/transfer", body, key));

        var again = (await agent.Post($"/leads/{id}/transfer", body, key)).Is(200);

        Assert.Equal(first.Text, again.Text);
        Assert.Equal("true", again.Header("Idempotent-Replayed"));
        (await agent.Post($"/leads/{id}/transfer", body)).IsRefused(404, "not-found");
    }

    [Fact]
    public async Task end_with_the_team_within_seconds_on_every_host()
    {
        var (one, other) = await Company.TwoOfATeam(company.Host);
        var team = (await one.Get("/teams")).Is(200).Items.Single().GetProperty("id").GetGuid();
        var source = Guid.NewGuid().ToString("N");
        var id = (await other.Post("/leads", $$"""{"lastName":"x","source":"{{source}}"}""")).Is(201).Id;
        var last = (await other.Post("/leads", $$"""{"lastName":"x","source":"{{source}}"}""")).Is(201).Position;
        await using var second = TestHost.Beside(company.Host.Database);
        using var there = second.CreateClient();
        there.DefaultRequestHeaders.Authorization = one.Client.DefaultRequestHeaders.Authorization;
        var reader = one with { Client = there };
        var page = (await reader.GetAfter(last, $"/leads?source={source}&limit=1")).Is(200).Body;
        (await reader.Get($"/leads/{id}")).Is(200);

        (await company["admin"].Post($"/teams/{team}/members/{one.Id}/remove")).Is(200);

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(TimeSpan.FromSeconds(5));
        while ((await reader.Get($"/leads/{id}")).Status != 404)
        {
            await Task.Delay(50, patience.Token);
        }

        Assert.Empty((await reader.GetAfter(last, $"/leads?source={source}")).Is(200).Items);
        var cursor = page.GetProperty("nextCursor").GetString();
        (await reader.Get($"/leads?source={source}&limit=1&cursor={cursor}")).IsRefused(400, "invalid-parameter");
    }

    [Fact]
    public async Task close_the_stream_of_somebody_who_was_shut_out()
    {
        var auditor = await company.Host.Register("auditor");
        using var opened = await auditor.Client.GetAsync(
            new Uri("/api/v1/events/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Ct);
        Assert.True(opened.IsSuccessStatusCode);
        (await company["admin"].Post($"/users/{auditor.Id}/deactivate")).Is(200);

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(TimeSpan.FromSeconds(8));
        await using var stream = await opened.Content.ReadAsStreamAsync(patience.Token);
        await stream.CopyToAsync(Stream.Null, patience.Token); // comes to its end
    }

    [Fact]
    public async Task record_who_looked_at_what_is_not_for_everyday()
    {
        var auditor = company["auditor"];
        var id = await company.LeadOf("agent");
        company.Did(await company["admin"].Post($"/leads/{id}/archive"));
        var before = company.Last;
        (await auditor.GetAfter(company.Last, "/leads/export?q=Lovelace&status=new")).Is(200);
        (await auditor.Get($"/leads/{id}?version=1")).Is(200);
        (await auditor.Get("/audit/events?limit=1")).Is(200);

        var after = before.ToString(CultureInfo.InvariantCulture);
        var last = (await company["admin"].Get($"/events?limit=1000&after={after}")).Is(200).Items[^1];
        var position = long.Parse(last.GetProperty("sequence").GetString() ?? "", CultureInfo.InvariantCulture);
        var path = $"/audit/events?type=sensitive-read&actor={auditor.Id}&limit=3";
        var facts = (await company["admin"].GetAfter(position, path)).Is(200).Items;

        Assert.Equal(["audit", "archived-lead", "export"], facts.Select(fact => Told(fact, "what")));
        Assert.Equal(id.ToString(), Told(facts[1], "subjectId"));
        Assert.Equal("q&status=new", Told(facts[2], "query"));
    }

    private static string? Told(JsonElement fact, string field) => fact.GetProperty("changes").EnumerateArray()
        .Single(change => change.GetProperty("field").GetString() == field).GetProperty("to").GetString();

    private async Task<IReadOnlyList<JsonElement>> Items(string reader, string path) =>
        (await company.Read(reader, path)).Items;

    private async Task<int> CountLeads(string reader, string archived)
    {
        var count = 0;
        string? cursor = null;
        do
        {
            var page = await company.Read(reader, $"/leads?archived={archived}&limit=200{(cursor is null ? "" : "&cursor=" + cursor)}");
            count += page.Items.Count;
            cursor = page.Body.GetProperty("nextCursor").GetString();
        }
        while (cursor is not null);

        return count;
    }
}

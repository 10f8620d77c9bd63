using System.Globalization;
using System.Text.Json;

namespace Crm.Web.Tests.Leads;

public class Reading_a_lead(TestHost host) : IClassFixture<TestHost>
{
    [Fact]
    public async Task answers_304_to_who_has_it_already()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured();

        var tag = (await manager.Get($"/leads/{id}")).Is(200).Header("ETag") ?? "";
        var same = (await manager.Get($"/leads/{id}", ("If-None-Match", tag))).Is(304);
        Assert.Empty(same.Text);
        Assert.Equal(tag, same.Header("ETag"));
        (await manager.Get($"/leads/{id}", ("If-None-Match", "W/" + tag))).Is(304);

        (await manager.Post($"/leads/{id}/notes", """{"text":"x"}""")).Is(200);
        (await manager.Get($"/leads/{id}", ("If-None-Match", tag))).Is(200);
    }

    [Fact]
    public async Task shows_every_version_as_it_stood()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured("""{"lastName":"Lovelace","company":"one"}""");
        var positions = new List<(long Position, string At)>();
        foreach (var company in new[] { "two", "three" })
        {
            var answer = (await manager.Patch($"/leads/{id}", $$"""{"company":"{{company}}"}""")).Is(200);
            var item = (await manager.Get($"/leads/{id}/history")).Items[^1];
            positions.Add((answer.Position, item.GetProperty("at").GetString() ?? ""));
        }

        Assert.Equal("one", await Company($"/leads/{id}?version=1"));
        Assert.Equal("two", await Company($"/leads/{id}?version=2"));
        Assert.Equal("two", await Company($"/leads/{id}?asOfPosition={positions[0].Position}"));
        Assert.Equal("two", await Company($"/leads/{id}?asOf={positions[0].At}"));
        Assert.Equal("three", await Company($"/leads/{id}?asOf={positions[1].At}"));
        Assert.Equal("three", await Company($"/leads/{id}?asOf=2999-01-01T00:00:00%2B02:00"));
        (await manager.Get($"/leads/{id}?version=4")).IsRefused(404, "not-found");
        (await manager.Get($"/leads/{id}?asOf=2020-01-01T00:00:00Z")).IsRefused(404, "not-found");
        (await manager.Get($"/leads/{id}?version=1&asOf=2020-01-01T00:00:00Z")).IsRefused(400, "invalid-parameter");

        async Task<string?> Company(string path) => (await manager.Get(path)).Is(200).Body.GetProperty("company").GetString();
    }

    [Fact]
    public async Task tells_its_history_with_each_change()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured("""{"lastName":"Lovelace"}""");
        (await manager.Patch($"/leads/{id}", """{"lastName":"King"}""", ("X-Correlation-Id", "call-17"))).Is(200);

        var item = (await manager.Get($"/leads/{id}/history")).Is(200).Items[1];

        Assert.Equal("lead-contact-details-changed", item.GetProperty("type").GetString());
        Assert.Equal("call-17", item.GetProperty("correlationId").GetString());
        Assert.Equal("King", item.GetProperty("data").GetProperty("lastName").GetString());
        Assert.Equal(
            """[{"field":"lastName","from":"Lovelace","to":"King"}]""",
            string.Concat(item.GetProperty("changes").GetRawText().Where(letter => !char.IsWhiteSpace(letter))));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", item.GetProperty("at").GetString());
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$", item.GetProperty("recordedAt").GetString());
    }

    [Fact]
    public async Task explains_its_score()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured("""{"lastName":"Lovelace","email":"ada@example.com","source":"referral"}""");

        var score = (await manager.Get($"/leads/{id}/score")).Is(200).Body;

        Assert.Equal(
            score.GetProperty("score").GetInt32(),
            score.GetProperty("factors").EnumerateArray().Sum(factor => factor.GetProperty("points").GetInt32()));
        Assert.Equal((await manager.Get($"/leads/{id}")).Body.GetProperty("score").GetInt32(), score.GetProperty("score").GetInt32());
    }

    [Fact]
    public async Task tells_its_timeline_in_sentences()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured();
        var claimed = (await manager.Post($"/leads/{id}/claim")).Is(200).Position;

        var lines = (await manager.GetAfter(claimed, $"/leads/{id}/timeline")).Is(200).Items;

        Assert.Equal(["lead-captured", "lead-claimed"], lines.Select(line => line.GetProperty("type").GetString()));
        Assert.All(lines, line => Assert.EndsWith(".", line.GetProperty("sentence").GetString(), StringComparison.Ordinal));
    }

    [Fact]
    public async Task in_a_list_sees_what_was_just_written()
    {
        var manager = await host.As("manager");
        var company = Guid.NewGuid().ToString("N");
        var written = (await manager.Post("/leads", $$"""{"company":"{{company}}"}""")).Is(201);

        var page = (await manager.GetAfter(written.Position, $"/leads?q={company}")).Is(200);

        Assert.Equal(written.Id, Assert.Single(page.Items).GetProperty("id").GetGuid());
        Assert.True(long.Parse(page.Header("Event-Position") ?? "", CultureInfo.InvariantCulture) >= written.Position);
    }

    [Fact]
    public async Task that_has_not_been_written_yet_says_when_to_come_back()
    {
        var manager = await host.As("manager");
        var answer = (await manager.GetAfter(long.MaxValue, "/leads")).IsRefused(503, "unavailable");
        Assert.NotNull(answer.Header("Retry-After"));
    }

    [Fact]
    public async Task page_by_page_neither_skips_nor_repeats()
    {
        var manager = await host.As("manager");
        var source = Guid.NewGuid().ToString("N");
        var ids = new List<Guid>();
        var last = 0L;
        for (var number = 0; number < 7; number++)
        {
            var answer = (await manager.Post("/leads", $$"""{"lastName":"L{{number % 3}}","source":"{{source}}"}""")).Is(201);
            ids.Add(answer.Id);
            last = answer.Position;
        }

        foreach (var sort in new[] { "-createdAt", "lastName", "-score" })
        {
            var seen = new List<Guid>();
            var path = $"/leads?source={source}&sort={sort}&limit=2";
            var page = (await manager.GetAfter(last, path)).Is(200);
            while (true)
            {
                seen.AddRange(page.Items.Select(item => item.GetProperty("id").GetGuid()));
                if (page.Body.GetProperty("nextCursor") is not { ValueKind: JsonValueKind.String } cursor)
                {
                    break;
                }

                (await manager.Get($"/leads?source={source}&sort={sort}&status=new&cursor={cursor.GetString()}")).IsRefused(400, "invalid-parameter");
                page = (await manager.Get($"{path}&cursor={cursor.GetString()}")).Is(200);
            }

            Assert.Equal(ids.Order(), seen.Order());
        }
    }

    [Fact]
    public async Task as_csv_runs_nothing_in_a_spreadsheet()
    {
        var manager = await host.As("manager");
        var source = Guid.NewGuid().ToString("N");
        var last = (await manager.Post(
            "/leads", $$"""{"lastName":"=cmd|' /C calc'!A0","company":"Comma, \"Quote\"","source":"{{source}}"}""")).Is(201).Position;

        var csv = (await manager.GetAfter(last, $"/leads/export?source={source}")).Is(200);
        Assert.Equal("text/csv", csv.Message.Content.Headers.ContentType?.MediaType);
        Assert.Contains(",'=cmd|' /C calc'!A0,", csv.Text, StringComparison.Ordinal);
        Assert.Contains("\"Comma, \"\"Quote\"\"\"", csv.Text, StringComparison.Ordinal);

        var lines = (await manager.Get($"/leads/export?source={source}&format=ndjson")).Is(200).Text
            .Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("=cmd|' /C calc'!A0", JsonDocument.Parse(Assert.Single(lines)).RootElement.GetProperty("lastName").GetString());
    }
}

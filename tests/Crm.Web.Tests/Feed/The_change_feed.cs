using System.Globalization;
using System.Text.Json;

namespace Crm.Web.Tests.Feed;

public class The_change_feed(TestHost host) : IClassFixture<TestHost>
{
    [Fact]
    public async Task gives_every_event_in_order_as_cloud_events()
    {
        var admin = await host.Admin();
        var id = await admin.Captured();

        var seen = new List<JsonElement>();
        for (var after = 0L; ;)
        {
            var page = (await admin.Get($"/events?after={after}&limit=2")).Is(200);
            if (page.Items.Count == 0)
            {
                break;
            }

            seen.AddRange(page.Items);
            after = page.Body.GetProperty("nextAfter").GetInt64();
        }

        Assert.Equal(
            Enumerable.Range(1, seen.Count),
            seen.Select(item => int.Parse(item.GetProperty("sequence").GetString() ?? "", CultureInfo.InvariantCulture)));
        var captured = seen.Last(item => item.GetProperty("subject").GetGuid() == id);
        Assert.Equal("1.0", captured.GetProperty("specversion").GetString());
        Assert.Equal("crm.lead-captured.v1", captured.GetProperty("type").GetString());
        Assert.Equal("Lovelace", captured.GetProperty("data").GetProperty("details").GetProperty("lastName").GetString());
    }

    [Fact]
    public async Task as_a_stream_skips_nothing_while_others_write_and_it_breaks_off()
    {
        var admin = await host.Admin();
        await admin.Captured();
        const int leads = 60;
        var writing = Task.WhenAll(Enumerable.Range(0, 4).Select(async _ =>
        {
            for (var number = 0; number < leads / 4; number++)
            {
                await admin.Captured();
            }
        }));

        var seen = new List<long>();
        while (seen.Count < leads)
        {
            // Each connection is dropped after a few events, and the next one resumes where it was.
            seen.AddRange(await Read(admin, seen.Count == 0 ? 0 : seen[^1], Math.Min(7, leads - seen.Count)));
        }

        await writing;
        Assert.Equal(Enumerable.Range(1, seen.Count).Select(number => (long)number), seen);
    }

    [Fact]
    public async Task as_a_stream_begins_at_the_end_unless_told()
    {
        var admin = await host.Admin();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events/stream");
        using var answer = await admin.Client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        await reader.ReadLineAsync(TestContext.Current.CancellationToken); // it has begun

        var id = await admin.Captured();

        var (_, data) = await Next(reader);
        Assert.Equal(id, data.GetProperty("subject").GetGuid());
    }

    [Fact]
    public async Task is_not_for_every_role() => (await (await host.As("ops")).Get("/events")).IsRefused(403, "forbidden");

    [Fact]
    public async Task tells_an_agent_of_the_leads_that_are_theirs_today_and_of_nothing_else()
    {
        var admin = await host.Admin();
        var agent = await host.Register("agent");
        var other = await host.Register("agent");
        var mine = await admin.Captured($$"""{"lastName":"Mine","ownerId":"{{agent.Id}}"}""");
        var theirs = await admin.Captured($$"""{"lastName":"Theirs","ownerId":"{{other.Id}}"}""");
        var nobodys = await admin.Captured();

        Assert.Equal([mine, nobodys], (await Subjects(agent)).Intersect([mine, theirs, nobodys]));
        Assert.All(await Types(agent), static type => Assert.StartsWith("crm.lead-", type, StringComparison.Ordinal));

        var given = (await admin.Post($"/leads/{theirs}/assign", $$"""{"agentId":"{{agent.Id}}"}""")).Is(200).Position;
        var taken = (await admin.Post($"/leads/{mine}/assign", $$"""{"agentId":"{{other.Id}}"}""")).Is(200).Position;
        Assert.True(taken > given);
        Assert.Equal([theirs, nobodys], (await Subjects(agent, taken)).Intersect([mine, theirs, nobodys]));
    }

    [Fact]
    public async Task as_a_stream_tells_an_agent_of_theirs_and_goes_on_past_the_rest()
    {
        var admin = await host.Admin();
        var agent = await host.Register("agent");
        var other = await host.Register("agent");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events/stream");
        using var answer = await agent.Client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        await reader.ReadLineAsync(TestContext.Current.CancellationToken); // it has begun

        await admin.Captured($$"""{"lastName":"Theirs","ownerId":"{{other.Id}}"}""");
        var mine = await admin.Captured($$"""{"lastName":"Mine","ownerId":"{{agent.Id}}"}""");
        await admin.Captured($$"""{"lastName":"Theirs again","ownerId":"{{other.Id}}"}""");
        var nobodys = await admin.Captured();

        Assert.Equal(mine, (await Next(reader)).Data.GetProperty("subject").GetGuid());
        Assert.Equal(mine, (await Next(reader)).Data.GetProperty("subject").GetGuid()); // assigned
        Assert.Equal(nobodys, (await Next(reader)).Data.GetProperty("subject").GetGuid());
    }

    [Fact]
    public async Task is_recorded_as_a_look_once_an_hour_for_whoever_sees_everything()
    {
        await using var own = TestHost.Beside(host.Database);
        var auditor = await own.Register("auditor");
        await auditor.Get("/events?after=0&limit=1");
        await auditor.Get("/events?after=1&limit=1");
        var looks = (await auditor.Get("/events?after=0&limit=1000")).Is(200).Items
            .Count(item => item.GetProperty("type").GetString() == "crm.sensitive-read.v1");
        own.Clock.Move(TimeSpan.FromHours(1));
        var again = await own.SignIn(auditor.Email, TestHost.UserPassword);
        (await again.Get("/events?after=0&limit=1")).Is(200);
        var later = (await again.Get("/events?after=0&limit=1000")).Is(200).Items
            .Count(item => item.GetProperty("type").GetString() == "crm.sensitive-read.v1");
        Assert.Equal(looks + 1, later);
    }

    private static async Task<IReadOnlyList<Guid>> Subjects(SignedInUser user, long after = 0) =>
        [.. (await Feed(user, after)).Select(item => item.GetProperty("subject").GetGuid()).Distinct()];

    private static async Task<IReadOnlyList<string>> Types(SignedInUser user) =>
        [.. (await Feed(user, 0)).Select(item => item.GetProperty("type").GetString() ?? "")];

    /// <summary>All that somebody sees, once the lead board holds a position.</summary>
    private static async Task<List<JsonElement>> Feed(SignedInUser user, long position)
    {
        var seen = new List<JsonElement>();
        for (var after = 0L; ;)
        {
            var page = (await user.GetAfter(position, $"/events?after={after}&limit=1000")).Is(200);
            seen.AddRange(page.Items);
            var next = page.Body.GetProperty("nextAfter").GetInt64();
            if (next == after)
            {
                return seen;
            }

            after = next;
        }
    }

    private static async Task<List<long>> Read(SignedInUser user, long after, int most)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/events/stream");
        request.Headers.Add("Last-Event-ID", after.ToString(CultureInfo.InvariantCulture));
        using var answer = await user.Client.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        var ids = new List<long>();
        while (ids.Count < most)
        {
            ids.Add((await Next(reader)).Id);
        }

        return ids;
    }

    private static async Task<(long Id, JsonElement Data)> Next(StreamReader reader)
    {
        var id = 0L;
        while (true)
        {
            var line = await reader.ReadLineAsync(TestContext.Current.CancellationToken) ?? throw new EndOfStreamException();
            if (line.StartsWith("id: ", StringComparison.Ordinal))
            {
                id = long.Parse(line[4..], CultureInfo.InvariantCulture);
            }
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                return (id, JsonDocument.Parse(line[6..]).RootElement);
            }
        }
    }
}

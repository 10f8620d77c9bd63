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
    public async Task is_not_for_every_role() => (await (await host.As("agent")).Get("/events")).IsRefused(403, "forbidden");

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

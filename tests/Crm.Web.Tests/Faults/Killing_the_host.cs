using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Crm.Testing;

namespace Crm.Web.Tests.Faults;

/// <summary>
/// <c>kill -9</c> of the host in mid-load, twenty times, and a subscriber that follows through all of it: every command that was answered
/// is in the log exactly once, none that was refused is, and nobody saw an event twice, out of order or not at all.
/// </summary>
public sealed class Killing_the_host
{
    private const int Kills = 20;
    private const int Clients = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    [Fact]
    public async Task in_mid_load_loses_nothing_and_doubles_nothing()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        var ct = patience.Token;
        await using var host = await HostProcess.Start(ct);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var answered = new ConcurrentBag<Answer>();
        var refused = new ConcurrentBag<Guid>();
        var seen = new List<long>();
        var subscriber = Task.Run(() => Follow(host, seen, over.Token), ct);
        using var enough = new CancellationTokenSource();
        var clients = Enumerable.Range(0, Clients)
            .Select(client => Task.Run(() => Load(host, client, answered, refused, enough.Token, ct), ct)).ToList();

        var random = new Random(20261120);
        for (var kill = 0; kill < Kills; kill++)
        {
            // In mid-load: when so many more commands have been answered, whenever that is.
            var next = answered.Count + random.Next(20, 120);
            await Eventually.IsTrue(() => answered.Count >= next, ct, TimeSpan.FromSeconds(60));
            await host.Kill(ct);
            await host.StartAgain(ct);
        }

        await enough.CancelAsync();
        await Task.WhenAll(clients);

        var (positions, streams) = await WholeLog(host, ct);
        Assert.Equal(Enumerable.Range(1, positions.Count).Select(position => (long)position), positions);
        foreach (var answer in answered)
        {
            var upToAnswer = streams[answer.Lead].Where(each => each.Position <= answer.Position);
            Assert.Equal(answer.Events, upToAnswer.TakeLast(answer.Events.Count).Select(each => each.Type));
            Assert.Equal(answer.Version, streams[answer.Lead].Single(each => each.Position == answer.Position).Version);
        }

        // Nothing is in a lead's stream but what was answered; what was refused is nowhere.
        var leads = answered.GroupBy(answer => answer.Lead)
            .ToDictionary(group => group.Key, group => group.Sum(answer => answer.Events.Count));
        Assert.Equal(leads.OrderBy(each => each.Key), streams.Where(each => each.Value[0].Type == "lead-captured")
            .Select(each => KeyValuePair.Create(each.Key, each.Value.Count)).OrderBy(each => each.Key));
        Assert.NotEmpty(refused);
        Assert.All(refused, lead => Assert.DoesNotContain(lead, streams.Keys));

        await Eventually.IsTrue(() => Count(seen) >= positions.Count, ct, TimeSpan.FromSeconds(30));
        await over.CancelAsync();
        await subscriber;
        Assert.Equal(positions, seen);
        await ReadModelsEqualARebuild(host, ct);
    }

    private static async Task Load(
        HostProcess host, int client, ConcurrentBag<Answer> answered, ConcurrentBag<Guid> refused, CancellationToken enough, CancellationToken ct)
    {
        for (var round = 0; !enough.IsCancellationRequested; round++)
        {
            var name = $"c{client}-{round}";
            var lead = await Command(host, "leads", name, new { lastName = name, externalId = name, source = "faults" }, answered, ct);
            await Command(host, $"leads/{lead}/notes", $"{name}-note", new { text = "A note." }, answered, ct);
            await Command(
                host,
                $"leads/{lead}/activities",
                $"{name}-call",
                new { kind = "call", direction = "out", at = "2026-01-02T03:04:05Z", subject = "First call" },
                answered,
                ct);

            // Refused: the external id is taken.
            var twin = Guid.CreateVersion7();
            using var refusal = await Send(host, "leads", $"{name}-twin", new { id = twin, lastName = "Twin", externalId = name }, ct);
            Assert.Equal(HttpStatusCode.Conflict, refusal.StatusCode);
            refused.Add(twin);
        }
    }

    private static async Task<Guid> Command(
        HostProcess host, string path, string key, object body, ConcurrentBag<Answer> answered, CancellationToken ct)
    {
        using var answer = await Send(host, path, key, body, ct);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {await answer.Content.ReadAsStringAsync(ct)}");
        var done = await answer.Content.ReadFromJsonAsync<JsonElement>(ct);
        var lead = done.GetProperty("id").GetGuid();
        answered.Add(new Answer(
            lead,
            done.GetProperty("version").GetInt64(),
            done.GetProperty("position").GetInt64(),
            [.. done.GetProperty("events").EnumerateArray().Select(each => each.GetString() ?? "")]));
        return lead;
    }

    /// <summary>Sends until there is an answer, always with the same key: what an answer that was lost has done, is not done again.</summary>
    private static async Task<HttpResponseMessage> Send(HostProcess host, string path, string key, object body, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
                request.Headers.Add("Idempotency-Key", key);
                var answer = await host.Client.SendAsync(request, ct);
                var problem = answer.StatusCode == HttpStatusCode.Conflict ? await answer.Content.ReadAsStringAsync(ct) : "";
                if (answer.StatusCode != HttpStatusCode.ServiceUnavailable && !problem.Contains("in-flight", StringComparison.Ordinal))
                {
                    return answer;
                }

                answer.Dispose();
            }
            catch (Exception lost) when (lost is HttpRequestException or IOException or InvalidOperationException or ObjectDisposedException
                || (lost is TaskCanceledException && !ct.IsCancellationRequested))
            {
                // Killed under it: nobody knows whether it was done. The next one finds out.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), ct);
        }
    }

    /// <summary>Follows the server-sent events, and resumes from the last one seen whenever the host goes away.</summary>
    private static async Task Follow(HostProcess host, List<long> seen, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, "events/stream?after=0");
                if (Last(seen) is { } last)
                {
                    request.Headers.Add("Last-Event-ID", last.ToString(CultureInfo.InvariantCulture));
                }

                using var answer = await host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ct);
                answer.EnsureSuccessStatusCode();
                using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(ct));
                while (await reader.ReadLineAsync(ct) is { } line)
                {
                    if (line.StartsWith("id:", StringComparison.Ordinal))
                    {
                        lock (seen)
                        {
                            seen.Add(long.Parse(line.AsSpan(3), NumberStyles.Integer | NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture));
                        }
                    }
                }
            }
            catch (Exception lost) when (lost is HttpRequestException or IOException or InvalidOperationException or ObjectDisposedException
                or OperationCanceledException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), CancellationToken.None);
            }
        }
    }

    private static async Task<(List<long> Positions, Dictionary<Guid, List<Stored>> Streams)> WholeLog(HostProcess host, CancellationToken ct)
    {
        var positions = new List<long>();
        var streams = new Dictionary<Guid, List<Stored>>();
        while (true)
        {
            var page = await host.Client.GetFromJsonAsync<JsonElement>(
                string.Create(CultureInfo.InvariantCulture, $"events?after={positions.LastOrDefault()}&limit=200"), ct);
            var items = page.GetProperty("items").EnumerateArray().ToList();
            if (items is [])
            {
                return (positions, streams);
            }

            foreach (var item in items)
            {
                var position = long.Parse(item.GetProperty("sequence").ToString(), CultureInfo.InvariantCulture);
                var stream = Guid.Parse(item.GetProperty("subject").GetString() ?? "");
                var type = (item.GetProperty("type").GetString() ?? "")["crm.".Length..^".v1".Length];
                positions.Add(position);
                if (!streams.TryGetValue(stream, out var events))
                {
                    streams.Add(stream, events = []);
                }

                events.Add(new Stored(position, events.Count + 1, type));
            }
        }
    }

    private static async Task ReadModelsEqualARebuild(HostProcess host, CancellationToken ct)
    {
        // The killed host's leases run out by themselves.
        var names = new List<string?>();
        await Eventually.IsTrue(
            async () =>
            {
                var projections = await host.Client.GetFromJsonAsync<JsonElement>("ops/projections", ct);
                var items = projections.GetProperty("items").EnumerateArray().ToList();
                names = [.. items.Select(each => each.GetProperty("name").GetString())];
                return items.TrueForAll(each => each.GetProperty("lag").GetInt64() == 0);
            },
            ct,
            TimeSpan.FromSeconds(15));
        Assert.Equal(9, names.Count);
        foreach (var name in names)
        {
            using var started = await host.Client.PostAsync($"ops/projections/{name}/rebuild", content: null, ct);
            Assert.Equal(HttpStatusCode.Accepted, started.StatusCode);
            var location = started.Headers.Location ?? throw new InvalidOperationException("A rebuild that was accepted says where its job is.");
            var job = await Eventually.Value(
                async () =>
                {
                    var text = await host.Client.GetStringAsync(location, ct);
                    return text.Contains("\"running\"", StringComparison.Ordinal) ? null : text;
                },
                ct);
            using var done = JsonDocument.Parse(job);
            Assert.Equal("done", done.RootElement.GetProperty("state").GetString());
            Assert.All(
                done.RootElement.GetProperty("result").GetProperty("tables").EnumerateArray(),
                table => Assert.True(table.GetProperty("equalsLive").GetBoolean(), $"{name}: {table}"));
        }
    }

    private static int Count(List<long> seen)
    {
        lock (seen)
        {
            return seen.Count;
        }
    }

    private static long? Last(List<long> seen)
    {
        lock (seen)
        {
            return seen is [.., var last] ? last : null;
        }
    }

    private sealed record Answer(Guid Lead, long Version, long Position, IReadOnlyList<string> Events);

    private sealed record Stored(long Position, long Version, string Type);
}

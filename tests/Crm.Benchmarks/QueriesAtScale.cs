using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Crm.Benchmarks;

/// <summary>
/// Every query of a population of leads, one at a time, over HTTP on loopback. What counts is the server's own time, from the request's
/// arrival to the end of its answer, as the web server says it; the client's is told beside it.
/// </summary>
public static class QueriesAtScale
{
    private const int Fewest = 200;

    // Of the host as a whole, before the first figure: what every request goes through is compiled for good only after some time.
    private static readonly TimeSpan HostWarmUp = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Measuring = TimeSpan.FromSeconds(12);

    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        var leads = bench.Scale.Leads;
        var database = Invariant($"bench_leads_{leads}");
        var settings = bench.Stand.SettingsFor(database);
        await bench.Stand.MakeOnce(database, $"{leads} leads of one to six events", token => Fill(bench, database, leads, token), ct);
        bench.Say($"starting the API on {leads:N0} leads");
        var figures = new List<Figure>();
        var telling = new Dictionary<string, string>(settings, StringComparer.Ordinal)
        {
            [RunningHost.TellsTimes.Key] = RunningHost.TellsTimes.Value,
        };
        await using (var host = await bench.Crm.Serve(telling, ct))
        {
            await Warm(bench, host, leads, ct);
            foreach (var shape in Chosen(bench))
            {
                await host.SignIn(ct);
                figures.Add(await Time(bench, host, shape, leads, ct));
                bench.Say($"{figures[^1].Label}: {figures[^1].Value}");
            }
        }

        return await Explain(bench, database, settings, figures, leads, ct);
    }

    private static IEnumerable<QueryShape> Chosen(Bench bench) =>
        QueryShape.All.Where(shape => bench.Scale.Query is not { } part || shape.Label.Contains(part, StringComparison.OrdinalIgnoreCase));

    private static async Task Fill(Bench bench, string database, int leads, CancellationToken ct)
    {
        bench.Say($"filling {database}");
        await using (var open = bench.Stand.Open(database))
        {
            await BulkLoad.Agents(open.Log, ct);
            await BulkLoad.Leads(open.Log, 0, leads, LeadLives.LengthOf, leads, ct);
        }

        bench.Say("building the read models");
        await bench.Crm.Run(["projections", "rebuild", "--all"], bench.Stand.SettingsFor(database), ct);

        await bench.Stand.Execute(database, "vacuum analyze", ct);
    }

    private static async Task Warm(Bench bench, RunningHost host, int leads, CancellationToken ct)
    {
        await host.SignIn(ct);
        var random = new Random(1);
        var began = Stopwatch.GetTimestamp();
        while (!bench.Scale.IsQuick && Stopwatch.GetElapsedTime(began) < HostWarmUp)
        {
            foreach (var shape in Chosen(bench))
            {
                using var answer = await host.Http.GetAsync(new Uri(shape.Path(random, leads), UriKind.Relative), ct);
                await answer.Content.ReadAsByteArrayAsync(ct);
            }
        }
    }

    private static async Task<Figure> Time(Bench bench, RunningHost host, QueryShape shape, int leads, CancellationToken ct)
    {
        var random = new Random(20_261_120);
        var latencies = new Latencies();
        var bytes = 0L;
        var finished = 0;
        var began = Stopwatch.GetTimestamp();
        for (var number = -bench.Scale.Queries; number < bench.Scale.Queries; number++)
        {
            // Of slow ones fewer are enough.
            number = number < 0 && Stopwatch.GetElapsedTime(began) > WarmUp ? 0 : number;
            if (latencies.Count >= Fewest && Stopwatch.GetElapsedTime(began) > WarmUp + Measuring)
            {
                break;
            }

            if (number == 0)
            {
                // What the server prints comes by a pipe: the last of the warm-up must have arrived before it is counted.
                await Task.Delay(TimeSpan.FromMilliseconds(200), ct);
                finished = host.Finished;
            }

            var path = new Uri(shape.Path(random, leads), UriKind.Relative);
            var sent = Stopwatch.GetTimestamp();
            using var answer = await host.Http.GetAsync(path, ct);
            var body = await answer.Content.ReadAsByteArrayAsync(ct);
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                return Figure.NotMeasured(
                    shape.Label, $"GET {path} was answered {(int)answer.StatusCode}: {System.Text.Encoding.UTF8.GetString(body)}");
            }

            if (number >= 0)
            {
                latencies.Since(sent);
                bytes += body.Length;
            }
        }

        var server = await host.TimesAfter(finished, latencies.Count, ct);
        if (server.Count != latencies.Count)
        {
            throw new InvalidOperationException($"The server told of {server.Count} requests, and {latencies.Count} were sent.");
        }

        var (p50, p99) = (server.Percentile(50), server.Percentile(99));
        return new Figure(
            shape.Label,
            Invariant($"p50 {p50:F2} ms, p99 {p99:F2} ms"),
            Invariant($"{(shape.MostP50 is { } most ? $"p50 < {most} ms, " : "")}p99 < {shape.MostP99} ms"),
            Figure.Judge((shape.MostP50 is null || p50 < shape.MostP50) && p99 < shape.MostP99))
        {
            P50 = p50,
            P99 = p99,
            Note = string.Create(
                CultureInfo.InvariantCulture,
                $"{latencies.Count} runs, {bytes / latencies.Count:N0} bytes on average; "
                    + $"at the client p50 {latencies.Percentile(50):F2} ms, p99 {latencies.Percentile(99):F2} ms"),
        };
    }

    /// <summary>Runs each query once more with the server told to write every plan down.</summary>
    private static async Task<IReadOnlyList<Figure>> Explain(
        Bench bench, string database, IReadOnlyDictionary<string, string> settings, List<Figure> figures, int leads, CancellationToken ct)
    {
        await using var plans = await PlanLog.Begin(bench.Stand, database, ct);
        await using var host = await bench.Crm.Serve(settings, ct);
        var explained = new List<Figure>();
        foreach (var (shape, figure) in Chosen(bench).Zip(figures))
        {
            // The same request five times before: the plan that is shown is the one that a prepared statement ends with.
            var random = new Random(1);
            for (var number = 0; number < 6; number++)
            {
                using var warm = await host.Http.GetAsync(new Uri(shape.Path(random, leads), UriKind.Relative), ct);
            }

            plans.Mark();
            using (var answer = await host.Http.GetAsync(new Uri(shape.Path(random, leads), UriKind.Relative), ct))
            {
                await answer.Content.ReadAsByteArrayAsync(ct);
            }

            explained.Add(figure with { Plans = await plans.SinceMark(ct) });
        }

        return explained;
    }
}

/// <summary>One kind of query.</summary>
/// <param name="Label">What is asked, for people.</param>
/// <param name="MostP50">The median that was promised, in milliseconds; null where none was.</param>
/// <param name="MostP99">The 99th percentile that was promised.</param>
/// <param name="Path">The request, with other values each time.</param>
public sealed record QueryShape(string Label, double? MostP50, double MostP99, Func<Random, int, string> Path)
{
    private static readonly string[] Statuses = ["new", "contacted", "qualified", "converted", "disqualified"];
    private static readonly string[] Sources = ["website", "referral", "event", "partner", "cold-call"];
    private static readonly string[] Names = ["nakamura", "papadopoulos", "rasmussen", "kowalczyk", "okonkwo"];

    /// <summary>All that are measured.</summary>
    public static IReadOnlyList<QueryShape> All { get; } =
    [
        Fast("GET /leads/{id}", static (random, leads) => $"/api/v1/leads/{LeadLives.LeadId(random.Next(leads))}"),
        Fast("list, newest first", static (_, _) => "/api/v1/leads"),
        Fast("list, by status, highest score first", static (random, _) => $"/api/v1/leads?status={One(random, Statuses)}&sort=-score"),
        Fast("list, warm ones, last touched first", static (_, _) => "/api/v1/leads?temperature=warm&sort=-updatedAt"),
        Fast("list, by owner, by name", static (random, _) => $"/api/v1/leads?ownerId={One(random, LeadLives.Agents)}&sort=lastName"),
        Fast("list, by source, highest value first", static (random, _) => $"/api/v1/leads?source={One(random, Sources)}&sort=-value"),
        Fast("list, by tag", static (_, _) => "/api/v1/leads?tag=public-tender"),
        Fast("list, captured in one month, score from 60", static (random, leads) => $"/api/v1/leads?{Month(random)}&minScore=60"),
        Fast("search, a name", static (random, _) => $"/api/v1/leads?q={One(random, Names)}"),
        Fast(
            "search, a rare name and number",
            static (random, leads) => $"/api/v1/leads?q={One(random, Names)}%20{random.Next(leads) % 1009}"),
        Fast("search, an e-mail address", static (random, leads) => $"/api/v1/leads?q=contact.{random.Next(leads)}%40"),
        Fast("funnel", static (_, _) => "/api/v1/reports/funnel"),
        Report(
            "funnel, of a range",
            static (random, leads) => $"/api/v1/reports/funnel?from={At(random.Next(leads / 2), leads)}&to={At(leads - 1, leads)}"),
        Report("sources", static (_, _) => "/api/v1/reports/sources"),
        Report("agents", static (_, _) => "/api/v1/reports/agents"),
        Report("activity", static (_, _) => "/api/v1/reports/activity"),
        Report("response times", static (_, _) => "/api/v1/reports/response-times"),
        Report(
            "trend, captured by month",
            static (_, leads) => $"/api/v1/reports/trend?metric=captured&interval=month&from={At(0, leads)}&to={At(leads - 1, leads)}"),
        AsOfList("list as of, newest first", static (random, leads) => $"/api/v1/leads?asOf={At(random.Next(leads), leads)}"),
        AsOfList(
            "list as of, by status, highest score first",
            static (random, leads) => $"/api/v1/leads?status={One(random, Statuses)}&sort=-score&asOf={At(random.Next(leads), leads)}"),
        AsOfList(
            "list as of, by owner",
            static (random, leads) => $"/api/v1/leads?ownerId={One(random, LeadLives.Agents)}&asOf={At(random.Next(leads), leads)}"),
        AsOfReport("funnel as of", static (random, leads) => $"/api/v1/reports/funnel?asOf={At(random.Next(leads), leads)}"),
        AsOfReport("sources as of", static (random, leads) => $"/api/v1/reports/sources?asOf={At(random.Next(leads), leads)}"),
        AsOfReport("agents as of", static (random, leads) => $"/api/v1/reports/agents?asOf={At(random.Next(leads), leads)}"),
        AsOfReport("activity as of", static (random, leads) => $"/api/v1/reports/activity?asOf={At(random.Next(leads), leads)}"),
        AsOfReport(
            "response times as of",
            static (random, leads) => $"/api/v1/reports/response-times?asOf={At(random.Next(leads), leads)}"),
    ];

    private static QueryShape Fast(string label, Func<Random, int, string> path) => new(label, 1, 5, path);

    private static QueryShape Report(string label, Func<Random, int, string> path) => new(label, MostP50: null, 50, path);

    private static QueryShape AsOfList(string label, Func<Random, int, string> path) => new(label, MostP50: null, 50, path);

    private static QueryShape AsOfReport(string label, Func<Random, int, string> path) => new(label, MostP50: null, 500, path);

    private static T One<T>(Random random, IReadOnlyList<T> of) => of[random.Next(of.Count)];

    private static string Month(Random random)
    {
        var month = new DateOnly(2024, 1, 1).AddMonths(random.Next(20));
        return Invariant($"createdFrom={month:yyyy-MM-dd}T00:00:00Z&createdTo={month.AddMonths(1):yyyy-MM-dd}T00:00:00Z");
    }

    private static string At(int lead, int leads) =>
        LeadLives.CapturedAt(lead, leads).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}

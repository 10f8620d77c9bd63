using System.Diagnostics;
using Crm.Projections;

namespace Crm.Benchmarks;

/// <summary>Events that pile up while the projections stand still, and the time until the last projection has taken them all.</summary>
public static class LiveBurst
{
    private const string Database = "bench_burst";

    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        await bench.Stand.Make(Database, migrate: true, ct);
        await using var open = bench.Stand.Open(Database);
        await BulkLoad.Agents(open.Log, ct);

        // A lead has a little over three events; twice as many leads as one repetition needs are there before the first.
        var leads = bench.Scale.BurstEvents / 3;
        var population = leads * (bench.Scale.Repetitions + 1);
        await Once(open, 0, leads, population, ct);
        var figure = await Throughput.Measure(
            bench,
            Invariant($"burst through {ProjectionList.All.Count} projections"),
            leastRatio: 0.5,
            mostP99: null,
            (number, token) => Once(open, number * leads, leads, population, token),
            ct);
        var parked = await bench.Stand.Ask(Database, "select count(*) from crm.parked", ct);
        return parked == 0
            ? [figure with { Note = $"about {bench.Scale.BurstEvents:N0} events each time; {figure.Note}" }]
            : throw new InvalidOperationException($"{parked} streams were parked.");
    }

    private static async Task<Repetition> Once(OpenLog open, int first, int leads, int population, CancellationToken ct)
    {
        var events = await BulkLoad.Leads(open.Log, first, leads, LeadLives.LengthOf, population, ct);
        var last = await open.Log.LastPosition(ct);
        var began = Stopwatch.GetTimestamp();
        await using var live = LiveProjections.Start(open);
        await live.WaitForAll(last, ct);
        return new Repetition(events / Stopwatch.GetElapsedTime(began).TotalSeconds);
    }
}

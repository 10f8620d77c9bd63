using System.Globalization;
using System.Text.Json;
using Crm.EventStore.LocalPostgres;

namespace Crm.Benchmarks;

/// <summary>Recovers what the product's own database holds into a new one, as a process of its own.</summary>
internal static class Recovering
{
    private const string Recovered = "bench_recovered";

    /// <summary>Measures <c>crm recover</c> of the whole log, read models and verification included.</summary>
    /// <returns>The figure, and the process's peak memory in MB.</returns>
    public static async Task<(Figure Figure, double PeakMb)> Measure(Bench bench, string label, double leastRatio, CancellationToken ct)
    {
        var settings = bench.Stand.SettingsForMain();
        await bench.Crm.Run(["projections", "rebuild", "--all"], settings, ct);
        var events = await bench.Stand.Ask(LocalCluster.MainDatabase, "select position from crm.log_counter", ct);
        var (peak, whole, steps) = (0d, TimeSpan.Zero, "");
        var figure = await Throughput.Measure(
            bench,
            label,
            leastRatio,
            mostP99: null,
            async (_, token) =>
            {
                await bench.Stand.Cluster.DropDatabase(Recovered, token);
                var to = events.ToString(CultureInfo.InvariantCulture);
                var run = await bench.Crm.Run(["recover", "--to", to, "--into", Recovered, "--json"], settings, token);
                (peak, whole) = (Math.Max(peak, run.PeakMb), run.Elapsed);
                using var report = JsonDocument.Parse(run.Answer);
                steps = string.Join(", ", report.RootElement.GetProperty("steps").EnumerateArray().Select(static step =>
                    Invariant($"{step.GetProperty("step").GetString()} {step.GetProperty("seconds").GetDouble():F1} s")));
                return await bench.Stand.Ask(Recovered, "select count(*) from crm.mt_events", token) == events
                    ? new Repetition(events / report.RootElement.GetProperty("seconds").GetDouble())
                    : throw new InvalidOperationException("The recovered log is not whole.");
            },
            ct);
        await bench.Stand.Cluster.DropDatabase(Recovered, ct);
        var noted = figure with
        {
            Note = string.Create(
                CultureInfo.InvariantCulture,
                $"{events:N0} events, verification included ({steps}); the whole process took {whole.TotalSeconds:F1} s, "
                    + $"peak memory {peak:N0} MB; {figure.Note}"),
        };
        return (noted, peak);
    }
}

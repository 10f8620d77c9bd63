
namespace Crm.Benchmarks;

/// <summary>One repetition of a throughput.</summary>
/// <param name="PerSecond">What was reached.</param>
/// <param name="P50">The median latency of single operations in milliseconds; null where there are none.</param>
/// <param name="P99">Their 99th percentile.</param>
public sealed record Repetition(double PerSecond, double? P50 = null, double? P99 = null)
{
    /// <summary>A repetition whose operations were timed one by one.</summary>
    public static Repetition Of(Latencies latencies, TimeSpan elapsed) =>
        new(latencies.Count / elapsed.TotalSeconds, latencies.Percentile(50), latencies.Percentile(99));
}

/// <summary>Measures a throughput as a ratio to pgbench, which runs before the first repetition and after each.</summary>
public static class Throughput
{
    /// <summary>Measures; the repetition with the median ratio counts.</summary>
    /// <param name="bench">What it is measured with.</param>
    /// <param name="label">What is measured.</param>
    /// <param name="leastRatio">The ratio to pgbench that was promised.</param>
    /// <param name="mostP99">The 99th percentile that was promised, in milliseconds; null where none was.</param>
    /// <param name="once">One repetition; given its number.</param>
    /// <param name="ct">Gives up.</param>
    public static async Task<Figure> Measure(
        Bench bench, string label, double leastRatio, double? mostP99,
        Func<int, CancellationToken, Task<Repetition>> once, CancellationToken ct)
    {
        var taken = new List<(double Ratio, double P, Repetition Run, double Before, double After)>();
        var before = await bench.Yardstick.RowsPerSecond(ct);
        for (var number = 1; number <= bench.Scale.Repetitions; number++)
        {
            var run = await once(number, ct);
            var after = await bench.Yardstick.RowsPerSecond(ct);
            var p = (before + after) / 2;
            taken.Add((run.PerSecond / p, p, run, before, after));
            bench.Say(Invariant(
                $"{label}, repetition {number}: {run.PerSecond:N0}/s, P {before:N0} and {after:N0}, {run.PerSecond / p:F2} P"));
            before = after;
        }

        var median = taken.OrderBy(each => each.Ratio).ElementAt(taken.Count / 2);
        var met = median.Ratio >= leastRatio && (mostP99 is null || median.Run.P99 < mostP99);
        return new Figure(
            label,
            Invariant($"{median.Run.PerSecond:N0}/s"),
            Invariant($"≥ {leastRatio} P{(mostP99 is null ? "" : $", p99 < {mostP99} ms")}"),
            Figure.Judge(met))
        {
            Yardstick = Invariant($"{median.P:N0}/s ({median.Before:N0} before, {median.After:N0} after)"),
            Ratio = median.Ratio,
            P50 = median.Run.P50,
            P99 = median.Run.P99,
            Note = Invariant($"median of {taken.Count}: {string.Join(", ", taken.Select(each => Invariant($"{each.Ratio:F2} P")))}"),
        };
    }
}

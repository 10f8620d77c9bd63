using Crm.Application;
using Crm.EventStore.Log;
using Crm.Testing;

namespace Crm.Benchmarks;

/// <summary>
/// What sealing costs: the appends of <see cref="AppendNewStreams"/> beside the very same events in a log that takes nothing for personal,
/// in turn, so that the machine's drift meets both.
/// </summary>
public static class AppendSealed
{
    private const double LeastShare = 0.8;

    /// <summary>32 callers, then 512.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct) =>
        [await Measure(bench, 32, ct), await Measure(bench, 512, ct)];

    private static async Task<Figure> Measure(Bench bench, int callers, CancellationToken ct)
    {
        await bench.Stand.Make("bench_sealed", migrate: true, ct);
        await bench.Stand.Make("bench_plain", migrate: true, ct);
        await using var withSeals = bench.Stand.Open("bench_sealed");
        await using var another = bench.Stand.Open("bench_plain");
        var nothingPersonal = new EventCatalog(EventJson.Catalog.Entries.Select(static entry => entry with { Personal = null }));
        await using var withoutSeals = new EventLog(another.Database, nothingPersonal, TestKeys.Masters, new LogPosition());
        var taken = new List<(double Sealed, double Plain, Repetition Run)>();
        for (var number = 0; number <= bench.Scale.Repetitions; number++)
        {
            var length = number == 0 ? bench.Scale.WarmUp : bench.Scale.Load;
            var plain = await AppendNewStreams.Load(withoutSeals, callers, length, ct);
            var run = await AppendNewStreams.Load(withSeals.Log, callers, length, ct);
            if (number > 0)
            {
                taken.Add((run.PerSecond, plain.PerSecond, run));
                bench.Say(Invariant($"append sealed, {callers} callers: {run.PerSecond:N0}/s, unsealed {plain.PerSecond:N0}/s"));
            }
        }

        var median = taken.OrderBy(static each => each.Sealed / each.Plain).ElementAt(taken.Count / 2);
        var share = median.Sealed / median.Plain;
        return new Figure(
            $"append sealed, {callers} callers", Invariant($"{median.Sealed:N0}/s"), Invariant($"≥ {LeastShare} × unsealed"),
            Figure.Judge(share >= LeastShare))
        {
            Yardstick = Invariant($"unsealed {median.Plain:N0}/s"),
            Ratio = share,
            P50 = median.Run.P50,
            P99 = median.Run.P99,
            Note = Invariant($"the ratio is to the same events unsealed; median of {taken.Count}: ")
                + string.Join(", ", taken.Select(static each => Invariant($"{each.Sealed / each.Plain:F2}"))),
        };
    }
}

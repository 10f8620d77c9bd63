using Crm.EventStore.LocalPostgres;

namespace Crm.Benchmarks;

/// <summary><c>crm recover</c> of 200,000 leads of five events each into a new database: log, read models, verification.</summary>
public static class RecoverMillionEvents
{
    private const double MostMb = 512;
    private const int EventsEach = 5;

    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        bench.Say($"filling {LocalCluster.MainDatabase}");
        await bench.Stand.Make(LocalCluster.MainDatabase, migrate: true, ct);
        await using (var open = bench.Stand.Open(LocalCluster.MainDatabase))
        {
            await BulkLoad.Agents(open.Log, ct);
            await BulkLoad.Leads(open.Log, 0, bench.Scale.RebuildLeads, static _ => EventsEach, bench.Scale.RebuildLeads, ct);
        }

        await bench.Stand.Execute(LocalCluster.MainDatabase, "vacuum analyze", ct);
        var (figure, peak) = await Recovering.Measure(bench, "recover a large log", leastRatio: 2, ct);
        return
        [
            figure,
            new Figure("its memory", Invariant($"{peak:N0} MB"), Invariant($"< {MostMb} MB"), Figure.Judge(peak < MostMb))
            {
                Note = "peak resident set (VmHWM) of that process",
            },
        ];
    }
}

using System.Globalization;
using System.Text.Json;
using Crm.EventStore.LocalPostgres;

namespace Crm.Benchmarks;

/// <summary><c>crm recover</c> of the imported real events into a new database: log, read models, verification.</summary>
public static class RecoverRealEvents
{
    private const string Recovered = "bench_recovered";

    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        const string Label = "recover the real events";
        if (ImportRealRows.RealFile is not { } real)
        {
            return [Figure.NotMeasured(Label, "../shared/data is not there")];
        }

        var folder = Directory.CreateTempSubdirectory("crm-bench-");
        try
        {
            bench.Say("importing the real events");
            await ImportRealRows.Import(bench, real, folder.FullName, ct);
            var settings = bench.Stand.SettingsForMain();
            await bench.Crm.Run(["projections", "rebuild", "--all"], settings, ct);
            var events = await bench.Stand.Ask(LocalCluster.MainDatabase, "select position from crm.log_counter", ct);
            var (peak, whole, steps) = (0d, TimeSpan.Zero, "");
            var figure = await Throughput.Measure(
                bench,
                Label,
                leastRatio: 1,
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
            return
            [
                figure with
                {
                    Note = string.Create(
                        CultureInfo.InvariantCulture,
                        $"{events:N0} events, verification included ({steps}); the whole process took {whole.TotalSeconds:F1} s, "
                            + $"peak memory {peak:N0} MB; {figure.Note}"),
                },
            ];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

using Crm.Testing;
using Spectre.Console;

namespace Crm.Benchmarks;

/// <summary>
/// Runs benchmarks one after the other on one cluster. What was measured is kept at once, so that an interrupted run loses nothing.
/// </summary>
/// <param name="scale">How much is measured.</param>
/// <param name="folder">The folder of the cluster.</param>
/// <param name="crm">The program that is measured where it is one of its own.</param>
public sealed class BenchmarkRun(Scale scale, string folder, CrmProgram crm)
{
    private static string Page => Path.Combine(Repository.Root, "docs", "benchmarks.md");

    private static string Kept => Path.Combine(Repository.Root, "docs", "benchmarks.json");

    /// <summary>Measures and answers what was measured now.</summary>
    public async Task<IReadOnlyList<BenchmarkResult>> Measure(IReadOnlyList<Benchmark> benchmarks, CancellationToken ct)
    {
        Directory.CreateDirectory(folder);
        await using var stand = await Stand.Start(folder, ct);
        var machine = await MachineFacts.Read(stand.Superuser, ct);
        Say(machine.ToString());
        var bench = new Bench(stand, new Pgbench(stand, scale.Yardstick), scale, crm, Say);
        var results = new List<BenchmarkResult>();
        foreach (var benchmark in benchmarks)
        {
            Say($"{benchmark.Name}: {benchmark.Work}");
            var at = TimeProvider.System.GetUtcNow();
            var result = new BenchmarkResult(benchmark.Name, benchmark.Work, at, machine, await Figures(benchmark, bench, ct));
            results.Add(result);
            if (!scale.IsQuick && scale.Query is null)
            {
                var all = ResultsFile.With(await ResultsFile.Read(Kept, ct), result);
                await ResultsFile.Write(Kept, all, ct);
                await File.WriteAllTextAsync(Page, ResultsPage.Of(all), ct);
            }
        }

        return results;
    }

    /// <summary>The table for the terminal.</summary>
    public static Table Table(IReadOnlyList<BenchmarkResult> results)
    {
        var table = new Table().AddColumns("Name", "Work", "Figure", "P", "Ratio", "p50", "p99", "Promised", "");
        foreach (var (name, figure) in results.SelectMany(static result => result.Figures.Select(figure => (result.Name, figure))))
        {
            string[] cells =
            [
                name, figure.Label, figure.Value, figure.Yardstick ?? "", ResultsPage.Number(figure.Ratio), ResultsPage.Time(figure.P50),
                ResultsPage.Time(figure.P99), figure.Bound ?? "",
            ];
            table.AddRow([.. cells.Select(static cell => new Markup(Markup.Escape(cell))), new Markup(Coloured(figure.Verdict))]);
        }

        return table;
    }

    /// <summary>A benchmark that fails is said to have failed, and the others are measured all the same.</summary>
    private static async Task<IReadOnlyList<Figure>> Figures(Benchmark benchmark, Bench bench, CancellationToken ct)
    {
        try
        {
            return await benchmark.Run(bench, ct);
        }
        catch (Exception failed) when (!ct.IsCancellationRequested)
        {
            Say($"{benchmark.Name} failed: {failed}");
            return [new Figure(benchmark.Work, "failed", Bound: null, Verdict.Missed) { Note = failed.Message.ReplaceLineEndings(" ") }];
        }
    }

    private static string Coloured(Verdict verdict) => verdict switch
    {
        Verdict.Met => "[green]met[/]",
        Verdict.Missed => "[red]missed[/]",
        Verdict.Noted => "",
        Verdict.LeftOut => "[yellow]left out[/]",
    };

    private static void Say(string words) =>
        Console.Error.WriteLine(Invariant($"{TimeProvider.System.GetLocalNow():HH:mm:ss} {words}"));
}

using System.IO.Compression;
using System.Text.Json;
using Crm.EventStore.LocalPostgres;
using Crm.Testing;

namespace Crm.Benchmarks;

/// <summary><c>crm import history</c> of the real activity log, as a process of its own into an empty database.</summary>
public static class ImportRealRows
{
    private const double MostGrowth = 1.25;

    /// <summary>The real activity log; null where it is not there.</summary>
    public static string? RealFile { get; } = SharedData.Folder is { } folder
        && Path.Combine(folder, "bpic2012", "bpic2012_events.derived.csv.gz") is var file && File.Exists(file) ? file : null;

    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        const string Label = "import of real rows";
        if (RealFile is not { } real)
        {
            return [Figure.NotMeasured(Label, "../shared/data is not there")];
        }

        var folder = Directory.CreateTempSubdirectory("crm-bench-");
        try
        {
            var rows = bench.Scale.IsQuick ? 5_000 : await Rows(real, ct);
            var quarter = await Head(real, rows / 4, Path.Combine(folder.FullName, "quarter.csv.gz"), ct);
            var file = bench.Scale.IsQuick ? await Head(real, rows, Path.Combine(folder.FullName, "head.csv.gz"), ct) : real;
            var small = await Import(bench, quarter, folder.FullName, ct);
            var (peak, events, whole) = (0d, 0L, TimeSpan.Zero);
            var figure = await Throughput.Measure(
                bench,
                Label,
                leastRatio: 1,
                mostP99: null,
                async (_, token) =>
                {
                    var run = await Import(bench, file, folder.FullName, token);
                    (peak, events, whole) = (Math.Max(peak, run.PeakMb), run.Events, run.Whole);
                    return new Repetition(run.Events / run.Elapsed.TotalSeconds);
                },
                ct);
            return
            [
                figure with
                {
                    Note = Invariant(
                        $"{rows:N0} rows, {events:N0} events; the whole process took {whole.TotalSeconds:F1} s; {figure.Note}"),
                },
                new Figure(
                    "its memory", Invariant($"{peak:N0} MB"),
                    Invariant($"constant: at most {MostGrowth} × that of a quarter of the rows"),
                    Figure.Judge(peak <= MostGrowth * small.PeakMb))
                {
                    Note = Invariant($"peak resident set; {small.PeakMb:N0} MB for a quarter of the rows"),
                },
            ];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Imports a file into the product's database of the stand, made anew.</summary>
    public static async Task<(long Events, TimeSpan Elapsed, TimeSpan Whole, double PeakMb)> Import(
        Bench bench, string file, string folder, CancellationToken ct)
    {
        await bench.Stand.Make(LocalCluster.MainDatabase, migrate: true, ct);
        var map = Path.Combine(Repository.Root, "docs", "imports", "bpic2012.json");
        var rejected = Path.Combine(folder, "rejected.csv");
        var run = await bench.Crm.Run(
            ["import", "history", file, "--map", map, "--rejected", rejected, "--json"], bench.Stand.SettingsForMain(), ct);
        using var report = JsonDocument.Parse(run.Answer);
        var seconds = report.RootElement.GetProperty("seconds").GetDouble();
        return (
            await bench.Stand.Ask(LocalCluster.MainDatabase, "select count(*) from crm.mt_events", ct),
            TimeSpan.FromSeconds(seconds), run.Elapsed, run.PeakMb);
    }

    private static async Task<int> Rows(string file, CancellationToken ct)
    {
        var rows = -1;
        using var reader = new StreamReader(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
        while (await reader.ReadLineAsync(ct) is not null)
        {
            rows++;
        }

        return rows;
    }

    private static async Task<string> Head(string file, int rows, string to, CancellationToken ct)
    {
        using var reader = new StreamReader(new GZipStream(File.OpenRead(file), CompressionMode.Decompress));
        await using var writer = new StreamWriter(new GZipStream(File.Create(to), CompressionLevel.Fastest));
        for (var row = -1; row < rows && await reader.ReadLineAsync(ct) is { } line; row++)
        {
            await writer.WriteLineAsync(line.AsMemory(), ct);
        }

        return to;
    }
}

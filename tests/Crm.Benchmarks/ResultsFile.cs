using System.Text.Json;

namespace Crm.Benchmarks;

/// <summary>The results of every benchmark's last run, kept so that a run of some of them changes their rows only.</summary>
public static class ResultsFile
{
    /// <summary>Reads them; none where there is no file yet.</summary>
    public static async Task<IReadOnlyList<BenchmarkResult>> Read(string file, CancellationToken ct)
    {
        if (!File.Exists(file))
        {
            return [];
        }

        await using var stream = File.OpenRead(file);
        return await JsonSerializer.DeserializeAsync(stream, ResultsJson.Default.IReadOnlyListBenchmarkResult, ct) ?? [];
    }

    /// <summary>Writes them.</summary>
    public static async Task Write(string file, IReadOnlyList<BenchmarkResult> results, CancellationToken ct)
    {
        var text = JsonSerializer.Serialize(results, ResultsJson.Default.IReadOnlyListBenchmarkResult);
        await File.WriteAllTextAsync(file, text + "\n", ct);
    }

    /// <summary>Earlier results with a new one in the place of the old, in the order in which the benchmarks are named.</summary>
    public static IReadOnlyList<BenchmarkResult> With(IReadOnlyList<BenchmarkResult> earlier, BenchmarkResult result) =>
    [
        .. Benchmark.All
            .Select(benchmark => benchmark.Name == result.Name ? result : earlier.FirstOrDefault(each => each.Name == benchmark.Name))
            .OfType<BenchmarkResult>(),
    ];
}

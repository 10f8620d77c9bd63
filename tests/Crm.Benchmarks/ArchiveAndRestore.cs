using System.Text.Json;

namespace Crm.Benchmarks;

/// <summary><c>crm backup</c> and <c>crm restore</c> as processes of their own: the log is measured, the rest is told beside it.</summary>
public static class ArchiveAndRestore
{
    private const double LeastRatio = 4;
    private const double MostMb = 512;
    private const string Restored = "bench_restored";

    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        var database = await RebuildLeadBoard.Fill(bench, ct);
        var settings = bench.Stand.SettingsFor(database);
        await bench.Crm.Run(["migrate"], settings, ct);
        var events = await bench.Stand.Ask(database, "select count(*) from crm.mt_events", ct);
        var folder = Directory.CreateTempSubdirectory("crm-bench-");
        try
        {
            // The first run grows the audit tree too; it is not the log's.
            var archive = Path.Combine(folder.FullName, "archive");
            await bench.Crm.Run(["backup", "--to", archive], settings, ct);
            var (backupMb, backupSeconds, megabytes) = (0d, 0d, 0d);
            var archived = await Throughput.Measure(
                bench, "archive of the log", LeastRatio, mostP99: null,
                async (number, token) =>
                {
                    var to = Path.Combine(folder.FullName, Invariant($"archive-{number}"));
                    var run = await bench.Crm.Run(["backup", "--to", to, "--json"], settings, token);
                    using var report = JsonDocument.Parse(run.Answer);
                    var root = report.RootElement;
                    (backupMb, backupSeconds) = (Math.Max(backupMb, run.PeakMb), root.GetProperty("seconds").GetDouble());
                    megabytes = root.GetProperty("addedBytes").GetDouble() / 1e6;
                    Directory.Delete(to, recursive: true);
                    return new Repetition(root.GetProperty("addedEvents").GetDouble() / root.GetProperty("logSeconds").GetDouble());
                },
                ct);
            var (restoreMb, restoreSeconds, steps) = (0d, 0d, "");
            var restored = await Throughput.Measure(
                bench, "restore of the log", LeastRatio, mostP99: null,
                async (_, token) =>
                {
                    await bench.Stand.Make(Restored, migrate: false, token);
                    var run = await bench.Crm.Run(["restore", "--from", archive, "--into", Restored, "--json"], settings, token);
                    using var report = JsonDocument.Parse(run.Answer);
                    var root = report.RootElement;
                    (restoreMb, restoreSeconds) = (Math.Max(restoreMb, run.PeakMb), root.GetProperty("seconds").GetDouble());
                    steps = string.Join(", ", root.GetProperty("steps").EnumerateArray().Select(static step =>
                        Invariant($"{step.GetProperty("step").GetString()} {step.GetProperty("seconds").GetDouble():F1} s")));
                    return await bench.Stand.Ask(Restored, "select count(*) from crm.mt_events", token) == events
                        ? new Repetition(root.GetProperty("eventsPerSecond").GetDouble())
                        : throw new InvalidOperationException("The restored log is not whole.");
                },
                ct);
            await bench.Stand.Cluster.DropDatabase(Restored, ct);
            return
            [
                archived with
                {
                    Note = Invariant($"{events:N0} events, {megabytes:N0} MB; everything took {backupSeconds:F1} s; {archived.Note}"),
                },
                Memory("its memory", backupMb),
                restored with
                {
                    Note = Invariant($"{events:N0} events: load, indexes, streams, keys, counter; with read models and verification ")
                        + Invariant($"{restoreSeconds:F1} s ({steps}); {restored.Note}"),
                },
                Memory("memory of the restoration, read models included", restoreMb),
            ];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static Figure Memory(string label, double megabytes) =>
        new(label, Invariant($"{megabytes:N0} MB"), Invariant($"< {MostMb} MB"), Figure.Judge(megabytes < MostMb))
        {
            Note = "peak resident set (VmHWM) of the process",
        };
}

using System.Text.Json;

namespace Crm.Benchmarks;

/// <summary>
/// <c>crm audit head</c> over a log of which nothing is in the tree yet, as a process of its own: read, canonical, hashed, stored, signed.
/// And <c>crm verify</c> of the same.
/// </summary>
public static class AuditTreeOfTheLog
{
    private const double LeastRatio = 4;
    private const double MostMb = 512;

    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        var database = await RebuildLeadBoard.Fill(bench, ct);
        var settings = bench.Stand.SettingsFor(database);
        await bench.Crm.Run(["migrate"], settings, ct);
        var events = await bench.Stand.Ask(database, "select count(*) from crm.mt_events", ct);
        var (grownMb, verifiedMb) = (0d, 0d);
        var grown = await Throughput.Measure(
            bench, "audit tree", LeastRatio, mostP99: null,
            async (_, token) =>
            {
                await bench.Stand.Execute(database, "truncate crm.audit_tiles, crm.audit_heads, crm.audit_verifications", token);
                var run = await bench.Crm.Run(["audit", "head", "--json"], settings, token);
                grownMb = Math.Max(grownMb, run.PeakMb);
                using var head = JsonDocument.Parse(run.Answer);
                return head.RootElement.GetProperty("size").GetInt64() == events
                    ? new Repetition(events / run.Elapsed.TotalSeconds)
                    : throw new InvalidOperationException("The tree is not whole.");
            },
            ct);
        var verified = await Throughput.Measure(
            bench, "verification of the log", LeastRatio, mostP99: null,
            async (_, token) =>
            {
                var run = await bench.Crm.Run(["verify", "--json"], settings, token);
                verifiedMb = Math.Max(verifiedMb, run.PeakMb);
                using var report = JsonDocument.Parse(run.Answer);
                return new Repetition(events / report.RootElement.GetProperty("seconds").GetDouble());
            },
            ct);
        return
        [
            grown with { Note = Invariant($"{events:N0} events, the start of the process included; {grown.Note}") },
            Memory("its memory", grownMb),
            verified with { Note = Invariant($"{events:N0} events, every leaf, tile, head and stream; {verified.Note}") },
            Memory("memory of the verification", verifiedMb),
        ];
    }

    private static Figure Memory(string label, double megabytes) =>
        new(label, Invariant($"{megabytes:N0} MB"), Invariant($"< {MostMb} MB"), Figure.Judge(megabytes < MostMb))
        {
            Note = "peak resident set (VmHWM) of the process",
        };
}

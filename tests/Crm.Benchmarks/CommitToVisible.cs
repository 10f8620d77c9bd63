using System.Diagnostics;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Benchmarks;

/// <summary>The time from a command's answer, when it is committed, until the lead board shows it; commands come at 50 a second.</summary>
public static class CommitToVisible
{
    private const string Database = "bench_visible";
    private const double MostP50 = 10;
    private const double MostP99 = 50;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        await bench.Stand.Make(Database, migrate: true, ct);
        await using var open = bench.Stand.Open(Database);
        await BulkLoad.Agents(open.Log, ct);
        await BulkLoad.Leads(open.Log, 0, 1_000, LeadLives.LengthOf, 1_000, ct);
        await using var live = LiveProjections.Start(open);
        await live.WaitForAll(await open.Log.LastPosition(ct), ct);
        using var commands = new CommandRunner(open.Log);
        await Send(commands, live, 100, ct);
        var latencies = await Send(commands, live, bench.Scale.VisibleSeconds * 50, ct);
        var (p50, p99) = (latencies.Percentile(50), latencies.Percentile(99));
        return
        [
            new Figure(
                "commit to visible",
                Invariant($"p50 {p50:F1} ms, p99 {p99:F1} ms"),
                Invariant($"p50 < {MostP50} ms, p99 < {MostP99} ms"),
                Figure.Judge(p50 < MostP50 && p99 < MostP99))
            {
                P50 = p50, P99 = p99,
                Note = Invariant(
                    $"{latencies.Count} captures, all projections running, log and projections in one process, a wait that is woken"),
            },
        ];
    }

    private static async Task<Latencies> Send(CommandRunner commands, LiveProjections live, int count, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        var sent = new List<Task<Latencies>>(count);
        for (var number = 0; number < count; number++)
        {
            // By the schedule, not by the last answer: a slow one must not hold the next back and so hide itself.
            var due = (number * Interval) - Stopwatch.GetElapsedTime(began);
            if (due > TimeSpan.Zero)
            {
                await Task.Delay(due, ct);
            }

            sent.Add(One(commands, live, number, ct));
        }

        return Latencies.Of(await Task.WhenAll(sent));
    }

    private static async Task<Latencies> One(CommandRunner commands, LiveProjections live, int number, CancellationToken ct)
    {
        var now = TimeProvider.System.GetUtcNow();
        var capture = new CaptureLead(LeadLives.Capture(number).Details, Owner: null);
        var result = await commands.Begin(LeadStream.Kind, Guid.CreateVersion7(now), capture, new CommandContext(Envelope.System, now, Scope.System), ct);
        var committed = Stopwatch.GetTimestamp();
        if (result is not CommandResult.Done done
            || !await live.Progress.WaitFor("lead_board", done.Position, TimeSpan.FromSeconds(30), TimeProvider.System, ct))
        {
            throw new InvalidOperationException($"A capture ended as {result}, or never showed.");
        }

        var latencies = new Latencies();
        latencies.Since(committed);
        return latencies;
    }
}

using System.Diagnostics;
using System.Security.Cryptography;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Benchmarks;

/// <summary>One caller that captures one lead after the other through the command runner, against one client of pgbench.</summary>
public static class LoneCommand
{
    private const string Database = "bench_lone";
    private const double MostTimes = 3;

    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        await bench.Stand.Make(Database, migrate: true, ct);
        await using var open = bench.Stand.Open(Database);
        using var commands = new CommandRunner(open.Log);
        await Alone(commands, bench.Scale.LoneCommands / 2, ct);
        var taken = new List<(double Ratio, Latencies Ours, double Theirs)>();
        for (var number = 1; number <= bench.Scale.Repetitions; number++)
        {
            var before = (await bench.Yardstick.Alone(ct)).Percentile(50);
            var ours = await Alone(commands, bench.Scale.LoneCommands, ct);
            var theirs = (before + (await bench.Yardstick.Alone(ct)).Percentile(50)) / 2;
            taken.Add((ours.Percentile(50) / theirs, ours, theirs));
            bench.Say(Invariant($"lone command, {number}: p50 {ours.Percentile(50):F3} ms, pgbench {theirs:F3} ms"));
        }

        var median = taken.OrderBy(static each => each.Ratio).ElementAt(taken.Count / 2);
        return
        [
            new Figure(
                "lone command, p50",
                Invariant($"{median.Ours.Percentile(50):F2} ms"),
                Invariant($"< {MostTimes} × pgbench's p50 at 1 client"),
                Figure.Judge(median.Ratio < MostTimes))
            {
                Yardstick = Invariant($"{median.Theirs:F3} ms"),
                Ratio = median.Ratio,
                P50 = median.Ours.Percentile(50),
                P99 = median.Ours.Percentile(99),
                Note = Invariant($"capture with a receipt, decided; {bench.Scale.LoneCommands} in each of {taken.Count} repetitions"),
            },
        ];
    }

    private static async Task<Latencies> Alone(CommandRunner commands, int count, CancellationToken ct)
    {
        var latencies = new Latencies();
        for (var number = 0; number < count; number++)
        {
            var now = TimeProvider.System.GetUtcNow();
            var id = Guid.CreateVersion7(now);
            var request = new IdempotencyKey("bench", id.ToString(), SHA256.HashData(id.ToByteArray()));
            var capture = new CaptureLead(LeadLives.Capture(number).Details, Owner: null);
            var sent = Stopwatch.GetTimestamp();
            var result = await commands.Begin(
                LeadStream.Kind, id, capture, new CommandContext(Envelope.System, now, Scope.System) { Idempotency = request }, ct);
            if (result is not CommandResult.Done)
            {
                throw new InvalidOperationException($"A capture ended as {result}.");
            }

            latencies.Since(sent);
        }

        return latencies;
    }
}

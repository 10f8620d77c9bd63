using System.Diagnostics;
using System.Security.Cryptography;
using Crm.EventStore.Log;

namespace Crm.Benchmarks;

/// <summary>Callers that each capture one lead after the other, in process: foreign key, counter, receipt and envelope included.</summary>
public static class AppendNewStreams
{
    private const string Database = "bench_append";

    /// <summary>32 callers.</summary>
    public static Task<IReadOnlyList<Figure>> With32Callers(Bench bench, CancellationToken ct) =>
        Measure(bench, 32, leastRatio: 1.0, mostP99: 5, ct);

    /// <summary>512 callers.</summary>
    public static Task<IReadOnlyList<Figure>> With512Callers(Bench bench, CancellationToken ct) =>
        Measure(bench, 512, leastRatio: 1.5, mostP99: null, ct);

    private static async Task<IReadOnlyList<Figure>> Measure(
        Bench bench, int callers, double leastRatio, double? mostP99, CancellationToken ct)
    {
        await bench.Stand.Make(Database, migrate: true, ct);
        await using var open = bench.Stand.Open(Database);
        await Load(open.Log, callers, bench.Scale.WarmUp, ct);
        var figure = await Throughput.Measure(
            bench, $"append, {callers} callers", leastRatio, mostP99, (_, token) => Load(open.Log, callers, bench.Scale.Load, token), ct);
        var last = await open.Log.LastPosition(ct);
        var events = await bench.Stand.Ask(Database, "select count(*) from crm.mt_events", ct);
        return events == last
            ? [figure]
            : throw new InvalidOperationException($"The log holds {events} events and ends at {last}.");
    }

    /// <summary>Callers that append for a while.</summary>
    internal static async Task<Repetition> Load(EventLog log, int callers, TimeSpan length, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        var latencies = await Task.WhenAll(Enumerable.Range(0, callers).
            Select(caller => Task.Run(() => Caller(log, caller, began, length, ct), ct)));
        var elapsed = Stopwatch.GetElapsedTime(began);
        return Repetition.Of(Latencies.Of(latencies), elapsed);
    }

    private static async Task<Latencies> Caller(EventLog log, int caller, long began, TimeSpan length, CancellationToken ct)
    {
        var latencies = new Latencies();
        var envelope = new Envelope(LeadLives.Agents[caller % LeadLives.Agents.Count].ToString(), CorrelationId: $"bench-{caller}");

        // Made beforehand and used again: what is measured is the log, not the making of test data.
        var captures = Enumerable.Range(0, 64).Select(each => LeadLives.Capture((caller * 64) + each)).ToArray();
        for (var number = 0; Stopwatch.GetElapsedTime(began) < length; number++)
        {
            var now = TimeProvider.System.GetUtcNow();
            var (stream, id) = (Guid.CreateVersion7(now), Guid.CreateVersion7(now));
            var command = new AppendCommand(
                [new StreamAppend(stream, "lead", 0, [new NewEvent(id, captures[number % captures.Length], now)])], envelope)
            {
                Receipt = new Receipt(
                    "bench", stream.ToString(), SHA256.HashData(stream.ToByteArray()), 201, stream, 1, ["lead-captured"], Body: null),
            };
            var sent = Stopwatch.GetTimestamp();
            if (await log.Append(command, ct) is not AppendOutcome.Appended)
            {
                throw new InvalidOperationException("A new stream was not appended.");
            }

            latencies.Since(sent);
        }

        return latencies;
    }
}

using System.Diagnostics;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Benchmarks;

/// <summary>Commands on streams of ten events: loaded, folded, decided, appended. Every stream takes one command only.</summary>
public static class DecideAndAppend
{
    private const string Database = "bench_decide";
    private const int Callers = 32;
    private const int Length = 10;

    /// <summary>Measures.</summary>
    public static async Task<IReadOnlyList<Figure>> Run(Bench bench, CancellationToken ct)
    {
        var streams = bench.Scale.DecideStreams;
        var warmUp = streams / 5;
        await bench.Stand.Make(Database, migrate: true, ct);
        await using var open = bench.Stand.Open(Database);
        await Fill(open.Log, warmUp + (streams * bench.Scale.Repetitions), ct);
        await bench.Stand.Execute(Database, "vacuum analyze", ct);
        using var commands = new CommandRunner(open.Log);
        await Load(commands, 0, warmUp, ct);
        var figure = await Throughput.Measure(
            bench, "load, decide, append", leastRatio: 0.6, mostP99: null,
            (number, token) => Load(commands, warmUp + ((number - 1) * streams), streams, token), ct);
        return [figure];
    }

    private static async Task Fill(EventLog log, int streams, CancellationToken ct)
    {
        await BulkLoad.Leads(log, 0, streams, static _ => 6, streams, ct);
        foreach (var chunk in Enumerable.Range(0, streams).Chunk(500))
        {
            var notes = chunk.Select(lead => new StreamAppend(
                LeadLives.LeadId(lead), "lead", 6,
                [.. Enumerable.Range(6, Length - 6).Select(number => NoteOf(lead, number, streams))]));
            if (await log.Append(new AppendCommand([.. notes], Envelope.System), ct) is not AppendOutcome.Appended)
            {
                throw new InvalidOperationException("The notes were not appended.");
            }
        }
    }

    private static NewEvent NoteOf(int lead, int number, int leads)
    {
        var at = LeadLives.CapturedAt(lead, leads).AddDays(40 + number);
        return new NewEvent(
            Guid.CreateVersion7(at), new LeadNoteAdded(Guid.CreateVersion7(at),
                $"Note {number}: they asked for the terms once more and will answer by Friday."), at);
    }

    private static async Task<Repetition> Load(CommandRunner commands, int first, int count, CancellationToken ct)
    {
        var next = first - 1;
        var began = Stopwatch.GetTimestamp();
        var latencies = await Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => Task.Run(
            async () =>
            {
                var own = new Latencies();
                while (Interlocked.Increment(ref next) is var lead && lead < first + count)
                {
                    var now = TimeProvider.System.GetUtcNow();
                    var sent = Stopwatch.GetTimestamp();
                    var note = new AddNote(Guid.CreateVersion7(now), "They will sign if delivery is before the end of the quarter.");
                    var context = new CommandContext(Envelope.System, now, Scope.System);
                    var result = await commands.Run(LeadStream.Kind, LeadLives.LeadId(lead), note, context, ct);
                    if (result is not CommandResult.Done { Version: Length + 1 })
                    {
                        throw new InvalidOperationException($"A note ended as {result}.");
                    }

                    own.Since(sent);
                }

                return own;
            },
            ct)));
        var elapsed = Stopwatch.GetElapsedTime(began);
        return Repetition.Of(Latencies.Of(latencies), elapsed);
    }
}

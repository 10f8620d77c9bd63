using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>
/// The group commit of one host: whatever commands wait are appended in one transaction, with an outcome for each. It never waits for more
/// commands to come: a lone one is appended at once.
/// </summary>
/// <remarks>
/// It has two lanes. While one batch holds the log's counter, the other is sent, parsed and checked, and its streams are written: so that
/// the counter, which only one transaction at a time can hold, is held for the events alone.
/// </remarks>
internal sealed class LogWriter : IAsyncDisposable
{
    private readonly AppendQueue queue;
    private readonly LogAnnouncer announcer;
    private readonly WriterLane[] lanes;

    public LogWriter(
        NpgsqlDataSource database, EventLogOptions options, LogPosition position, LogReader reader, TimeProvider time, ILogger logger)
    {
        queue = new AppendQueue(options, time);
        announcer = new LogAnnouncer(database, options.AnnounceInterval, logger);
        var late = new LateOutcome(reader);
        lanes = [Lane(), Lane()];

        WriterLane Lane() => new(queue, database, options, position, announcer, late, logger);
    }

    /// <summary>The timestamp after which a command that comes now is given up.</summary>
    public long NextDeadline() => queue.NextDeadline();

    /// <summary>Hands a command over.</summary>
    public async Task<AppendOutcome> Append(PendingAppend pending, CancellationToken ct)
    {
        // Not null: it is what is passed here.
        await using var withdrawal = ct.UnsafeRegister(static (state, token) => ((PendingAppend)state!).Withdraw(token), pending);
        queue.Put(pending);
        return await pending.Outcome;
    }

    /// <summary>Finishes what has been handed over, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        queue.Close();
        await Task.WhenAll(lanes.Select(static lane => lane.Done));
        await announcer.DisposeAsync();
        foreach (var lane in lanes)
        {
            lane.Dispose();
        }
    }
}

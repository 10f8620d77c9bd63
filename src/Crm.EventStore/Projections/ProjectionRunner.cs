using System.Diagnostics;
using Crm.EventStore.Log;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>
/// Keeps the projections up with the log on this host. Each is held under a lease, so that one host works on it at a time; a batch's
/// rows and its checkpoint are one transaction, so that each event has its effect exactly once.
/// </summary>
/// <param name="database">Where log and read models stand.</param>
/// <param name="log">The log, whose position wakes the workers when it moves on.</param>
/// <param name="read">Reads the events after a position; shared between the projections, so that the tail is read once.</param>
/// <param name="projections">The projections.</param>
/// <param name="rebuilder">Makes a projection's first build, and a new one when its revision has changed.</param>
/// <param name="progress">Told of each committed batch.</param>
/// <param name="logger">Told of faults.</param>
public sealed partial class ProjectionRunner(
    NpgsqlDataSource database,
    EventLog log,
    Func<long, int, CancellationToken, Task<IReadOnlyList<RecordedEvent>>> read,
    IReadOnlyList<Projection> projections,
    Rebuilder rebuilder,
    ProjectionProgress progress,
    ILogger<ProjectionRunner> logger)
{
    private const int BatchSize = 2_000;

    // A log that is busy costs a transaction of nine projections for every few events, unless they wait for more of them. A quiet log's
    // events are applied at once.
    private const int Busy = 8;
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan IdleLook = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly Guid holder = Guid.NewGuid();
    private readonly string holderName = $"{Environment.MachineName}/{Environment.ProcessId}";
    private Heartbeat? heartbeat;
    private int held;

    /// <summary>Runs until cancelled. A fault of one projection never stops another; a lost database is waited for.</summary>
    public async Task Run(CancellationToken ct)
    {
        using var pace = new Pace(log.Position);
        var beating = new Heartbeat(database, holder, holderName, Tick, logger);
        heartbeat = beating;
        await Task.WhenAll(projections.Select(projection => Forever(projection, pace, ct)).Append(beating.Run(ct)));
    }

    private int FairShare => heartbeat is { Hosts: var hosts } ? (projections.Count + hosts - 1) / hosts : projections.Count;

    private async Task Forever(Projection projection, Pace pace, CancellationToken ct)
    {
        var isTidy = false;
        while (!ct.IsCancellationRequested)
        {
            try
            {
                if (!isTidy)
                {
                    await rebuilder.DropLeftOvers(projection, ct);
                    isTidy = true;
                }

                await Hold(projection, pace, ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (LeaseLostException lost)
            {
                LogLeaseLost(projection.Name, lost.Message);
            }
            catch (Exception fault)
            {
                LogFault(projection.Name, fault);
                await Report(projection, fault, ct);
                await Pause(IdleLook, ct);
            }
        }
    }

    /// <summary>Takes the lease when it may, and works until it is lost, given back or faulty.</summary>
    private async Task Hold(Projection projection, Pace pace, CancellationToken ct)
    {
        if (await IsStale(projection, ct))
        {
            await rebuilder.Rebuild(projection, progress: null, ct, onlyIfStale: true);
            return;
        }

        await using var connection = await database.OpenConnectionAsync(ct);
        if (Volatile.Read(ref held) >= FairShare
            || await Checkpoints.TryAcquire(connection, projection.Name, projection.Revision, holder, holderName, ct) is not { } checkpoint)
        {
            await Pause(Tick, ct);
            return;
        }

        Interlocked.Increment(ref held);
        try
        {
            // A batch that a crash takes back is folded again: its durability is the log's.
            await using (var lazily = new NpgsqlCommand("set synchronous_commit = off", connection))
            {
                await lazily.ExecuteNonQueryAsync(ct);
            }

            await Work(connection, projection, checkpoint, pace, ct);
        }
        finally
        {
            Interlocked.Decrement(ref held);
            await GiveBack(connection, projection);
        }
    }

    /// <summary>Whether the projection has no build yet, or one of an older revision.</summary>
    private async Task<bool> IsStale(Projection projection, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return await Checkpoints.Find(connection, projection.Name, ct) is not { } found || found.Revision < projection.Revision;
    }

    private async Task Work(
        NpgsqlConnection connection, Projection projection, Checkpoint checkpoint, Pace pace, CancellationToken ct)
    {
        var live = new LiveBuild(connection, projection.OfBuild(checkpoint.Build), log, holder, logger);
        var renewed = Stopwatch.GetTimestamp();
        var rate = 0d;
        progress.Reached(projection.Name, checkpoint.Position);
        while (!ct.IsCancellationRequested && Volatile.Read(ref held) <= FairShare)
        {
            var batch = await read(checkpoint.Position, BatchSize, ct);
            if (batch is [])
            {
                if (Stopwatch.GetElapsedTime(renewed) > TimeSpan.FromSeconds(Checkpoints.LeaseSeconds / 3))
                {
                    await Checkpoints.Advance(connection, checkpoint, holder, checkpoint.Position, 0, ct);
                    renewed = Stopwatch.GetTimestamp();
                }

                await log.Position.WaitBeyond(checkpoint.Position, IdleLook, ct);
                continue;
            }

            var began = Stopwatch.GetTimestamp();
            try
            {
                var from = checkpoint;
                checkpoint = await pace.Run(from.Position, () => live.Apply(from, batch, rate, ct), ct);
            }
            catch (PostgresException refused) when (LiveBuild.IsData(refused))
            {
                checkpoint = await live.ApplyOneByOne(checkpoint, batch, ct);
            }

            renewed = Stopwatch.GetTimestamp();
            rate = (0.8 * rate) + (0.2 * batch.Count / Stopwatch.GetElapsedTime(began, renewed).TotalSeconds);
            progress.Reached(projection.Name, checkpoint.Position);
            if (batch.Count is >= Busy and < BatchSize)
            {
                await Task.Delay(Gathering, ct);
            }
        }
    }

    private async Task GiveBack(NpgsqlConnection connection, Projection projection)
    {
        try
        {
            if (connection.State == System.Data.ConnectionState.Open)
            {
                using var briefly = new CancellationTokenSource(TimeSpan.FromSeconds(1));
                await Checkpoints.Release(connection, projection.Name, holder, briefly.Token);

                // The pool may be one that resets nothing, and whoever gets this connection next may mean to be durable.
                await using var reset = new NpgsqlCommand("reset synchronous_commit", connection);
                await reset.ExecuteNonQueryAsync(briefly.Token);
            }
        }
        catch (Exception fault)
        {
            // The lease runs out by itself; a connection in doubt does not go back to the pool.
            LogNotGivenBack(projection.Name, fault.Message);
            NpgsqlConnection.ClearPool(connection);
        }
    }

    private async Task Report(Projection projection, Exception fault, CancellationToken ct)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync(ct);
            await Checkpoints.Fail(connection, projection.Name, ParkedStream.Because(fault), ct);
        }
        catch (Exception unreachable) when (unreachable is not OperationCanceledException)
        {
            LogNoHeartbeat(unreachable.Message);
        }
        catch (OperationCanceledException)
        {
            // The host is stopping.
        }
    }

    private static async Task Pause(TimeSpan time, CancellationToken ct)
    {
        try
        {
            await Task.Delay(time, ct);
        }
        catch (OperationCanceledException)
        {
            // The caller looks at the token next.
        }
    }

    [LoggerMessage(LogLevel.Information, "{Projection} changed hands: {Message}")]
    private partial void LogLeaseLost(string projection, string message);

    [LoggerMessage(LogLevel.Error, "{Projection} stands still and will be tried again")]
    private partial void LogFault(string projection, Exception fault);

    [LoggerMessage(LogLevel.Warning, "No heartbeat: {Message}")]
    private partial void LogNoHeartbeat(string message);

    [LoggerMessage(LogLevel.Warning, "The lease of {Projection} could not be given back: {Message}")]
    private partial void LogNotGivenBack(string projection, string message);
}

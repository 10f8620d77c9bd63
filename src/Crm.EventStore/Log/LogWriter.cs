using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>
/// The group commit: one loop per host that takes whatever commands wait and appends them in one transaction, with an outcome for each.
/// It never waits for more commands to come: a lone one is appended at once.
/// </summary>
/// <remarks>
/// The loop has a thread of its own and talks to the database synchronously: that saves two changes of thread on the way of every
/// batch, which is what a third of the throughput at 32 callers was measured to depend on.
/// </remarks>
internal sealed partial class LogWriter : IAsyncDisposable
{
    private readonly EventLogOptions options;
    private readonly LogPosition position;
    private readonly LogAnnouncer announcer;
    private readonly LateOutcome late;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly OwnConnection connection;
    private readonly AppendBatch batch = new();
    private readonly Task loop;

    private readonly Inbox<PendingAppend> inbox = new();

    // Commands in the order of their arrival that no batch holds; one list is filled while the other is walked.
    private List<PendingAppend> queue = [];
    private List<PendingAppend> rest = [];

    public LogWriter(
        NpgsqlDataSource database, EventLogOptions options, LogPosition position, LogReader reader, TimeProvider time, ILogger logger)
    {
        this.options = options;
        this.position = position;
        late = new LateOutcome(reader);
        this.time = time;
        this.logger = logger;
        announcer = new LogAnnouncer(database, options.AnnounceInterval, logger);
        connection = new OwnConnection(database, options, opened => batch.Prepare(opened, options.StatementTimeout + options.LockTimeout));
        loop = Task.Factory.StartNew(Loop, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The timestamp after which a command that comes now is given up.</summary>
    public long NextDeadline() => time.GetTimestamp() + (long)(options.CommandDeadline.TotalSeconds * time.TimestampFrequency);

    /// <summary>Hands a command to the loop.</summary>
    public async Task<AppendOutcome> Append(PendingAppend pending, CancellationToken ct)
    {
        // Not null: it is what is passed here.
        await using var withdrawal = ct.UnsafeRegister(static (state, token) => ((PendingAppend)state!).Withdraw(token), pending);
        inbox.Put(pending);
        return await pending.Outcome;
    }

    /// <summary>Finishes what has been handed over, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        inbox.Close();
        await loop;
        await announcer.DisposeAsync();
        connection.Dispose();
        batch.Dispose();
    }

    private void Loop()
    {
        while (Receive())
        {
            try
            {
                Fill();
                if (batch.Commands.Count > 0)
                {
                    Run();
                }
            }
            catch (Exception fault)
            {
                // A bug must not leave callers waiting for good, nor stop the log.
                LogFault(logger, fault);
                connection.Drop();
                FailAll(new LogUnavailableException("The log's writer failed; the outcome is unknown.", fault));
            }

            batch.Clear();
            // Whoever was just answered may have a next command on its lips, which can share the next transaction.
            Thread.Yield();
        }
    }

    // Takes over what has arrived, and waits for something when nothing is left to do; false at the end.
    private bool Receive()
    {
        queue.AddRange(inbox.Take(wait: queue.Count == 0));
        return queue.Count > 0;
    }

    private void Fill()
    {
        rest.Clear();
        var now = time.GetTimestamp();
        foreach (var pending in queue)
        {
            if (now > pending.Deadline)
            {
                GiveUp(pending);
            }
            else if (batch.IsFull(options))
            {
                rest.Add(pending);
            }
            else if (pending.Take() && !batch.TryAdd(pending))
            {
                rest.Add(pending);
            }
        }

        (queue, rest) = (rest, queue);
    }

    private void Run()
    {
        try
        {
            if (connection.Ensure(Remaining()) is { } unreachable)
            {
                Requeue(unreachable, pause: true);
                return;
            }

            Complete(batch.Run());
        }
        catch (PostgresException refused) when (connection.IsOpen && !AppendFault.EndsConnection(refused))
        {
            RolledBack(refused);
        }
        catch (Exception lost) when (lost is NpgsqlException or IOException or TimeoutException or InvalidOperationException)
        {
            // Committed or not: only the log can tell. The commands are sent again, and their versions, receipts and event ids decide.
            LogLost(logger, batch.Commands.Count, lost.Message);
            connection.Drop();
            foreach (var pending in batch.Commands)
            {
                pending.Uncertain = true;
            }

            Requeue(lost, pause: false);
        }
    }

    // Nothing of the batch is in the log.
    private void RolledBack(PostgresException refused)
    {
        if (AppendFault.IsContention(refused))
        {
            Requeue(refused, pause: false);
        }
        else if (batch.Commands.Count > 1 && AppendFault.MayBeOneCommands(refused))
        {
            LogSplit(logger, batch.Commands.Count, refused.SqlState, refused.MessageText);
            foreach (var pending in batch.Commands)
            {
                pending.Alone = true;
            }

            Requeue(refused, pause: false);
        }
        else
        {
            LogRefused(logger, batch.Commands.Count, refused.SqlState, refused.MessageText);
            FailAll(AppendFault.ToException(refused));
        }
    }

    private void Complete(BatchResult result)
    {
        var failures = BatchFailure.Parse(result.Failures);
        var last = result.Base;
        List<PendingAppend>? busy = null;
        for (var number = 0; number < batch.Commands.Count; number++)
        {
            if (failures is null || !failures.ContainsKey(number))
            {
                last += batch.Commands[number].Events.Length;
            }
        }

        // Before the answers, so that whoever is answered finds its events known.
        position.Advance(last);
        announcer.Announce(last > result.Base);
        LogMetrics.Committed(batch.Commands.Count, (int)(last - result.Base));
        last = result.Base;
        for (var number = 0; number < batch.Commands.Count; number++)
        {
            var pending = batch.Commands[number];
            if (failures is null || !failures.TryGetValue(number, out var failure))
            {
                last += pending.Events.Length;
                pending.Complete(new AppendOutcome.Appended(last, result.RecordedAt));
            }
            else if (failure.IsBusy)
            {
                (busy ??= []).Add(pending);
            }
            else
            {
                // Off the loop: it asks the database more.
                _ = late.Settle(pending, failure);
            }
        }

        if (busy is not null)
        {
            Requeue(busy, new LogUnavailableException("Another transaction holds the stream."), pause: busy.Count == batch.Commands.Count);
        }
    }

    private void Requeue(Exception obstacle, bool pause) => Requeue([.. batch.Commands], obstacle, pause);

    // In front: they came before all that wait.
    private void Requeue(List<PendingAppend> again, Exception obstacle, bool pause)
    {
        foreach (var pending in again)
        {
            pending.Obstacle = obstacle;
        }

        queue.InsertRange(0, again);
        if (pause)
        {
            Thread.Sleep(obstacle is LogUnavailableException ? options.BusyDelay : options.ReconnectDelay);
        }
    }

    private TimeSpan Remaining()
    {
        var latest = batch.Commands.Max(pending => pending.Deadline);
        return time.GetElapsedTime(time.GetTimestamp(), Math.Max(latest, time.GetTimestamp() + 1));
    }

    private static void GiveUp(PendingAppend pending) => pending.Fail(
        new LogUnavailableException(
            pending.Uncertain
                ? "The connection was lost while the command was under way, and the database has not come back: the outcome is unknown."
                : "The command had to wait too long; nothing was appended.",
            pending.Obstacle)
        {
            NothingAppended = !pending.Uncertain,
        });

    private void FailAll(Exception fault)
    {
        foreach (var pending in batch.Commands)
        {
            pending.Fail(fault);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The log's connection was lost with {Commands} commands under way: {Reason}")]
    private static partial void LogLost(ILogger logger, int commands, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Commands} commands failed together ({SqlState}: {Reason}); each goes by itself now")]
    private static partial void LogSplit(ILogger logger, int commands, string sqlState, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The database refused {Commands} commands ({SqlState}: {Reason})")]
    private static partial void LogRefused(ILogger logger, int commands, string sqlState, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The log's writer failed")]
    private static partial void LogFault(ILogger logger, Exception fault);
}

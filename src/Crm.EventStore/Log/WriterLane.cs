using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>
/// One of the writer's lanes: a loop that takes a batch, appends it in one transaction and tells each command its outcome. It has a thread
/// and a connection of its own, and talks to the database synchronously: that saves two changes of thread on the way of every batch.
/// </summary>
internal sealed partial class WriterLane : IDisposable
{
    private readonly AppendQueue queue;
    private readonly EventLogOptions options;
    private readonly LogPosition position;
    private readonly LogAnnouncer announcer;
    private readonly LateOutcome late;
    private readonly ILogger logger;
    private readonly OwnConnection connection;
    private readonly AppendBatch batch = new();

    public WriterLane(
        AppendQueue queue, NpgsqlDataSource database, EventLogOptions options, LogPosition position, LogAnnouncer announcer, LateOutcome late,
        ILogger logger)
    {
        this.queue = queue;
        this.options = options;
        this.position = position;
        this.announcer = announcer;
        this.late = late;
        this.logger = logger;
        connection = new OwnConnection(database, options, opened => batch.Prepare(opened, options.StatementTimeout + options.LockTimeout));
        Done = Task.Factory.StartNew(Loop, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Ends when the queue is closed and empty.</summary>
    public Task Done { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        connection.Dispose();
        batch.Dispose();
    }

    private void Loop()
    {
        while (queue.Take(batch))
        {
            try
            {
                Run();
            }
            catch (Exception fault)
            {
                // A bug must not leave callers waiting for good, nor stop the log.
                LogFault(logger, fault);
                connection.Drop();
                FailAll(new LogUnavailableException("The log's writer failed; the outcome is unknown.", fault));
            }

            queue.Release(batch);
            batch.Clear();
            // Whoever was just answered may have a next command on its lips, which can share the next transaction.
            Thread.Yield();
        }
    }

    private void Run()
    {
        try
        {
            if (connection.Ensure(queue.Remaining(batch.Commands)) is { } unreachable)
            {
                PutBack(unreachable, pause: true);
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

            PutBack(lost, pause: false);
        }
    }

    // Nothing of the batch is in the log.
    private void RolledBack(PostgresException refused)
    {
        if (AppendFault.IsContention(refused))
        {
            PutBack(refused, pause: false);
        }
        else if (batch.Commands.Count > 1 && AppendFault.MayBeOneCommands(refused))
        {
            LogSplit(logger, batch.Commands.Count, refused.SqlState, refused.MessageText);
            foreach (var pending in batch.Commands)
            {
                pending.Alone = true;
            }

            PutBack(refused, pause: false);
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
            PutBack(busy, new LogUnavailableException("Another transaction holds the stream."), pause: busy.Count == batch.Commands.Count);
        }
    }

    private void PutBack(Exception obstacle, bool pause) => PutBack([.. batch.Commands], obstacle, pause);

    // Nobody can take them before this batch is released.
    private void PutBack(List<PendingAppend> again, Exception obstacle, bool pause)
    {
        foreach (var pending in again)
        {
            pending.Obstacle = obstacle;
        }

        queue.PutBack(again);
        if (pause)
        {
            Thread.Sleep(obstacle is LogUnavailableException ? options.BusyDelay : options.ReconnectDelay);
        }
    }

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

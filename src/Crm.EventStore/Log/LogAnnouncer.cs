using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>
/// Tells the other hosts of new positions, and keeps the value of Marten's sequence in step. Off the path of the answers, on another
/// connection, at most once each interval: a host that is not told finds out by polling.
/// </summary>
internal sealed partial class LogAnnouncer : IAsyncDisposable
{
    /// <summary>The channel that hosts listen on.</summary>
    public const string Channel = "crm_log";

    // The advisory lock keeps announcements of several hosts apart, and the counter is read after it was taken: so the sequence never runs
    // ahead of what is committed, and never ends behind it.
    private const string Lock = "select pg_advisory_xact_lock(4851278493)";

    private const string Tell =
        """
        select setval('crm.mt_events_sequence', c.position), pg_notify('crm_log', c.position::text)
        from crm.log_counter c where c.position > 0
        """;

    private readonly NpgsqlDataSource database;
    private readonly TimeSpan interval;
    private readonly ILogger logger;
    private readonly Channel<bool> moved = System.Threading.Channels.Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    private readonly CancellationTokenSource stopping = new();
    private readonly Task loop;

    public LogAnnouncer(NpgsqlDataSource database, TimeSpan interval, ILogger logger)
    {
        this.database = database;
        this.interval = interval;
        this.logger = logger;
        loop = Task.Run(Loop);
    }

    /// <summary>Says that something may have been appended.</summary>
    public void Announce(bool appended)
    {
        if (appended)
        {
            moved.Writer.TryWrite(true);
        }
    }

    /// <summary>Announces what is left, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        moved.Writer.TryComplete();
        await stopping.CancelAsync();
        await loop;
        stopping.Dispose();
    }

    private async Task Loop()
    {
        while (await moved.Reader.WaitToReadAsync())
        {
            while (moved.Reader.TryRead(out _))
            {
                // Whatever was said so far is covered by what is announced now.
            }

            try
            {
                await using var batch = database.CreateBatch();
                batch.BatchCommands.Add(new NpgsqlBatchCommand(Lock));
                batch.BatchCommands.Add(new NpgsqlBatchCommand(Tell));
                await batch.ExecuteNonQueryAsync();
            }
            catch (Exception fault) when (fault is NpgsqlException or IOException or TimeoutException or InvalidOperationException)
            {
                LogNotAnnounced(logger, fault.Message);
            }

            await Task.Delay(interval, stopping.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "Other hosts could not be told of new events and will poll: {Reason}")]
    private static partial void LogNotAnnounced(ILogger logger, string reason);
}

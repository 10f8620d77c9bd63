using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>Hears of what other hosts append, and so moves this host's <see cref="LogPosition"/> on.</summary>
/// <param name="database">The database; one connection of it is kept.</param>
/// <param name="log">The log.</param>
/// <param name="logger">Where lost connections are reported.</param>
public sealed partial class LogListener(NpgsqlDataSource database, EventLog log, ILogger<LogListener> logger)
{
    private static readonly TimeSpan silence = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan longestPause = TimeSpan.FromSeconds(1);

    /// <summary>Listens until it is cancelled; reconnects by itself.</summary>
    public async Task Run(CancellationToken ct)
    {
        var pause = TimeSpan.FromMilliseconds(50);
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await using var connection = await database.OpenConnectionAsync(ct);
                connection.Notification += (_, told) =>
                {
                    if (long.TryParse(told.Payload, NumberStyles.None, CultureInfo.InvariantCulture, out var position))
                    {
                        log.Position.Advance(position);
                    }
                };
                await using (var listen = new NpgsqlCommand("listen crm_log", connection))
                {
                    await listen.ExecuteNonQueryAsync(ct);
                }

                // After listening began: what was announced before it is seen here, what comes after it is heard.
                log.Position.Advance(await log.LastPosition(ct));
                pause = TimeSpan.FromMilliseconds(50);
                await Hear(connection, ct);
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception lost) when (
                lost is NpgsqlException or LogUnavailableException or IOException or TimeoutException or InvalidOperationException)
            {
                LogLost(logger, lost.Message);
                await Task.Delay(pause, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < longestPause ? pause * 2 : longestPause;
            }
        }
    }

    private static async Task Hear(NpgsqlConnection connection, CancellationToken ct)
    {
        while (true)
        {
            if (!await connection.WaitAsync(silence, ct))
            {
                // Nothing for long: is anybody there? A connection that died quietly is found out here.
                await using var alive = new NpgsqlCommand("select 1", connection) { CommandTimeout = 5 };
                await alive.ExecuteNonQueryAsync(ct);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The connection that hears of new events was lost and is opened anew: {Reason}")]
    private static partial void LogLost(ILogger logger, string reason);
}

using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>Says again and again that this host is alive, and counts the hosts that are: by that they share the projections.</summary>
internal sealed partial class Heartbeat(NpgsqlDataSource database, Guid holder, string holderName, TimeSpan every, ILogger logger)
{
    private int hosts = 1;

    /// <summary>How many hosts were alive at the last beat, this one among them.</summary>
    public int Hosts => Volatile.Read(ref hosts);

    /// <summary>Beats until cancelled, then says that this host is leaving. Faults are reported and outlived.</summary>
    public async Task Run(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await using var connection = await database.OpenConnectionAsync(ct);
                Volatile.Write(ref hosts, Math.Max(1, await Checkpoints.Heartbeat(connection, holder, holderName, ct)));
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                LogNoHeartbeat(fault.Message);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            await Task.Delay(every, ct)
                .ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }

        try
        {
            using var briefly = new CancellationTokenSource(TimeSpan.FromSeconds(1));
            await using var connection = await database.OpenConnectionAsync(briefly.Token);
            await Checkpoints.Leave(connection, holder, briefly.Token);
        }
        catch (Exception fault)
        {
            LogNoHeartbeat(fault.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "No heartbeat: {Message}")]
    private partial void LogNoHeartbeat(string message);
}

using Crm.EventStore.Log;

namespace Crm.Web.Hosting;

/// <summary>Forgets what has served its time: idempotency receipts after two days, looked at each hour. Clients are promised one day.</summary>
internal sealed partial class Housekeeping(EventLog log, TimeProvider clock, ILogger<Housekeeping> logger) : BackgroundService
{
    private static readonly TimeSpan look = TimeSpan.FromHours(1);
    private static readonly TimeSpan keep = TimeSpan.FromDays(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(look, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                var pruned = await log.PruneReceipts(clock.GetUtcNow() - keep, stoppingToken);
                if (pruned > 0)
                {
                    LogPruned(pruned);
                }
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                LogNotPruned(fault.Message);
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "{Receipts} receipts have served their time")]
    private partial void LogPruned(int receipts);

    [LoggerMessage(LogLevel.Warning, "Receipts could not be pruned and will be in an hour: {Reason}")]
    private partial void LogNotPruned(string reason);
}

using Crm.EventStore.Log;
using Crm.Web.Security;

namespace Crm.Web.Hosting;

/// <summary>
/// Forgets what has served its time, looked at each hour: idempotency receipts after two days (clients are promised one), sessions and
/// tokens that have expired, counts of failed sign-ins that no longer count.
/// </summary>
internal sealed partial class Housekeeping(
    EventLog log, Sessions sessions, PasswordChanges passwords, SignInDelays delays, TimeProvider clock, ILogger<Housekeeping> logger)
    : BackgroundService
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
                await sessions.Prune(stoppingToken);
                await passwords.Prune(stoppingToken);
                await delays.Prune(stoppingToken);
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

    [LoggerMessage(LogLevel.Warning, "What has served its time could not be forgotten and will be in an hour: {Reason}")]
    private partial void LogNotPruned(string reason);
}

using Crm.EventStore.Jobs;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;

namespace Crm.Web.Hosting;

/// <summary>What follows the log on this host for as long as it runs: the listener for other hosts' events, and the projections.</summary>
internal sealed class LogFollowers(LogListener listener, ProjectionRunner projections, RunningJobs jobs) : BackgroundService
{
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await jobs.Ended();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(listener.Run(stoppingToken), projections.Run(stoppingToken));
}

using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Projections;
using Microsoft.Extensions.Logging.Abstractions;

namespace Crm.Benchmarks;

/// <summary>All projections, run in this process as the host runs them.</summary>
public sealed class LiveProjections : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Task running;

    private LiveProjections(OpenLog open, ProjectionProgress progress)
    {
        Progress = progress;
        var tail = new LogTail(open.Log);
        var rebuilder = new Rebuilder(open.Database, open.Log, NullLogger<Rebuilder>.Instance);
        var runner = new ProjectionRunner(
            open.Database, open.Log, tail.ReadAfter, ProjectionList.All, rebuilder, progress,
            NullLogger<ProjectionRunner>.Instance);
        running = Task.Run(() => runner.Run(stop.Token), CancellationToken.None);
    }

    /// <summary>How far they have come.</summary>
    public ProjectionProgress Progress { get; }

    /// <summary>Starts them.</summary>
    public static LiveProjections Start(OpenLog open) => new(open, new ProjectionProgress(open.Database));

    /// <summary>Waits until all have reached a position.</summary>
    public async Task WaitForAll(long position, CancellationToken ct)
    {
        var waits = ProjectionList.All.Select(projection =>
            Progress.WaitFor(projection.Name, position, TimeSpan.FromMinutes(15), TimeProvider.System, ct));
        if ((await Task.WhenAll(waits)).Contains(false))
        {
            throw new InvalidOperationException($"The projections did not reach position {position}.");
        }
    }

    /// <summary>Stops them and gives their leases back.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        stop.Dispose();
    }
}

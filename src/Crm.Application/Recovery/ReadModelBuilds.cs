using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.Application.Recovery;

/// <summary>Builds every read model of a database whose log has just been filled.</summary>
internal static class ReadModelBuilds
{
    private const int ConnectionsOfOneBuild = 5;

    /// <summary>Builds them: all at once where there are connections enough, for the log is then read and decoded once for all of them.</summary>
    public static async Task All(
        NpgsqlDataSource app, EventLog log, IReadOnlyList<Projection> projections, ILoggerFactory loggers, RecoverySteps steps,
        CancellationToken ct)
    {
        var pool = new NpgsqlConnectionStringBuilder(app.ConnectionString).MaxPoolSize;
        var atOnce = Math.Clamp(pool / ConnectionsOfOneBuild, 1, projections.Count);
        using var rebuilder = new Rebuilder(app, log, loggers.CreateLogger<Rebuilder>(), atOnce);
        await Parallel.ForEachAsync(
            projections,
            new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = ct },
            async (projection, stop) => await steps.Do(
                $"build {projection.Name}", part => rebuilder.Rebuild(projection, new Building(part), stop)));

        // What the builds have used goes back to the system: the steps that follow would otherwise take theirs on top of it.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private sealed class Building(IProgress<double> part) : IProgress<RebuildProgress>
    {
        public void Report(RebuildProgress value) => part.Report(value.Total == 0 ? 1 : (double)value.Done / value.Total);
    }
}

using Crm.EventStore.LocalPostgres;
using Microsoft.Extensions.Logging.Abstractions;

namespace Crm.Testing;

/// <summary>A cluster of one test's own, with a migrated database <c>crm</c>: for tests that stop, start or kill the server.</summary>
public sealed class OwnCluster : IAsyncDisposable
{
    private OwnCluster(LocalCluster cluster) => Cluster = cluster;

    /// <summary>The cluster.</summary>
    public LocalCluster Cluster { get; }

    /// <summary>Starts a cluster in a new folder and migrates its database.</summary>
    public static async Task<OwnCluster> Start(bool durable, CancellationToken ct)
    {
        var folder = TestCluster.NewFolder();
        TestCluster.OpenToOthers(folder);
        var options = new LocalClusterOptions { Durable = durable, SharedBuffersMb = 128 };
        var own = new OwnCluster(await LocalCluster.Start(folder, options, NullLogger.Instance, ct));
        await TestDatabase.Migrate(own.Cluster.Owner(), ct);
        return own;
    }

    /// <summary>Stops the server and removes its data.</summary>
    public ValueTask DisposeAsync()
    {
        TestCluster.Remove(Cluster);
        return ValueTask.CompletedTask;
    }
}

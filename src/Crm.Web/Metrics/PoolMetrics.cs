using System.Diagnostics.Metrics;
using Crm.EventStore.LocalPostgres;
using Crm.Web.Health;
using Crm.Web.Http;
using Npgsql;

namespace Crm.Web.Metrics;

/// <summary>How many connections work, of the log's pool and that of queries together, as the driver itself counts them.</summary>
public sealed class PoolMetrics : IDisposable
{
    private readonly MeterListener listener = new();
    private readonly string[] pools;
    private readonly long most;
    private readonly Lock gate = new();
    private long used;
    private long idle;

    /// <summary>Listens to the driver's counts of this database's pools.</summary>
    public PoolMetrics(NpgsqlDataSource database, ReadModels reads)
    {
        pools = [CrmDataSources.NameOf(database.ConnectionString), CrmDataSources.NameOfReads(reads.Database.ConnectionString)];
        most = new[] { database, reads.Database }.Sum(pool => new NpgsqlConnectionStringBuilder(pool.ConnectionString).MaxPoolSize);
        listener.InstrumentPublished = (instrument, listening) =>
        {
            if (instrument is { Meter.Name: "Npgsql", Name: "db.client.connection.count" })
            {
                listening.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<int>((_, value, tags, _) => Take(value, tags));
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => Take(value, tags));
        listener.Start();
    }

    /// <summary>The connections at this moment.</summary>
    public PoolBody Read()
    {
        lock (gate)
        {
            (used, idle) = (0, 0);
            listener.RecordObservableInstruments();
            return new PoolBody(used, used + idle, most, Math.Round((double)used / most, 3));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => listener.Dispose();

    private void Take(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var (mine, working) = (false, false);
        foreach (var (key, tag) in tags)
        {
            mine |= key == "db.client.connection.pool.name" && pools.Contains(tag as string, StringComparer.Ordinal);
            working |= key == "db.client.connection.state" && (tag as string) == "used";
        }

        if (mine)
        {
            _ = working ? used += value : idle += value;
        }
    }
}

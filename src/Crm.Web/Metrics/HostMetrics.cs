using System.Diagnostics.Metrics;
using Crm.Application.Retention;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Web.Audit;
using Npgsql;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Crm.Web.Metrics;

/// <summary>Collects what the host, the log, the projections and the pool count, and gives it as Prometheus text on each scrape.</summary>
public sealed class HostMetrics : IDisposable
{
    private readonly PrometheusText text = new();
    private readonly BaseExportingMetricReader reader;
    private readonly MeterProvider provider;
    private readonly Meter meter;
    private readonly NpgsqlDataSource database;
    private readonly SemaphoreSlim one = new(1, 1);
    private IReadOnlyList<ProjectionStatus> projections = [];
    private AuditStatus audit = new(0, 0, HeadAt: null, VerifiedAt: null, Sound: null);
    private long retained;

    /// <summary>Begins to count.</summary>
    public HostMetrics(NpgsqlDataSource database, IMeterFactory meters, LogPosition position)
    {
        this.database = database;
        meter = meters.Create("Crm.Web");
        meter.CreateObservableGauge("crm.log.position", () => position.Known, "{event}", "The highest position that this host knows.");
        meter.CreateObservableGauge("crm.projection.lag", () => Of(projection => projection.Lag), "{event}", "Events that a projection has not applied yet.");
        meter.CreateObservableGauge("crm.projection.position", () => Of(projection => projection.Position), "{event}", "How far a projection is.");
        meter.CreateObservableGauge("crm.projection.parked", () => Of(projection => projection.ParkedStreams), "{stream}", "Streams that a projection could not apply.");
        meter.CreateObservableGauge("crm.audit.tree_size", () => audit.Size, "{event}", "How many events the audit tree holds.");
        meter.CreateObservableGauge("crm.audit.lag", () => audit.Lag, "{event}", "Events that the audit tree does not hold yet.");
        meter.CreateObservableGauge(
            "crm.audit.verified_at", () => audit.VerifiedAt?.ToUnixTimeSeconds() ?? 0, "s", "When the history was last recomputed; 0: never.");
        meter.CreateObservableGauge(
            "crm.audit.sound", () => audit.Sound is false ? 0 : 1, "1", "1 unless the history was last found not to be what was signed.");
        meter.CreateObservableGauge(
            "crm.retention.last_run", () => retained, "s", "When the retention rules were last carried out, in seconds since 1970; 0 for never.");
        reader = new BaseExportingMetricReader(text);
        provider = Sdk.CreateMeterProviderBuilder()
            .AddMeter("Crm.Web", LogMetrics.MeterName, "Npgsql", "Microsoft.AspNetCore.Hosting", "System.Runtime")
            .AddReader(reader)
            .Build();
    }

    /// <summary>Everything as it stands now. While the database cannot be reached, the projections stand as last seen.</summary>
    public async Task<string> Scrape(CancellationToken ct)
    {
        await one.WaitAsync(ct);
        try
        {
            try
            {
                projections = await ProjectionStatus.List(database, ct);
                audit = await AuditVerifications.Status(database, ct);
                retained = await LastRetention(ct);
            }
            catch (NpgsqlException)
            {
                // The rest is worth having all the more while the database is away.
            }

            reader.Collect();
            return text.Text;
        }
        finally
        {
            one.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        provider.Dispose();
        reader.Dispose();
        text.Dispose();
        meter.Dispose();
        one.Dispose();
    }

    private async Task<long> LastRetention(CancellationToken ct)
    {
        await using var find = database.CreateCommand("select value from crm.bookmarks where scope = $1 and key = $2");
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = RetentionRun.Scope });
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = RetentionRun.LastRun });
        return await find.ExecuteScalarAsync(ct) is string ran && RetentionRun.TimeOf(ran) is { } at ? at.ToUnixTimeSeconds() : 0;
    }

    private IEnumerable<Measurement<long>> Of(Func<ProjectionStatus, long> value) =>
        projections.Select(projection => new Measurement<long>(value(projection), new KeyValuePair<string, object?>("projection", projection.Name)));
}

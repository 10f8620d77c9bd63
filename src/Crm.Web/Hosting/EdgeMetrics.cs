using System.Diagnostics.Metrics;

namespace Crm.Web.Hosting;

/// <summary>What the edge turned away, and whether the database's breaker is open.</summary>
public sealed class EdgeMetrics : IDisposable
{
    private readonly Meter meter;
    private readonly Counter<long> rejected;

    /// <summary>Begins to count.</summary>
    public EdgeMetrics(IMeterFactory meters, DatabaseGuard guard)
    {
        meter = meters.Create("Crm.Web");
        rejected = meter.CreateCounter<long>("crm.requests.rejected", "{request}", "Requests that were turned away before they were carried out.");
        meter.CreateObservableGauge("crm.database.breaker", () => guard.IsOpen ? 1 : 0, description: "1 while requests are not tried because the database does not answer.");
    }

    /// <summary>A request was turned away.</summary>
    /// <param name="reason"><c>rate</c>, <c>busy</c>, <c>streams</c> or <c>breaker</c>.</param>
    public void Rejected(string reason) => rejected.Add(1, new KeyValuePair<string, object?>("reason", reason));

    /// <inheritdoc/>
    public void Dispose() => meter.Dispose();
}

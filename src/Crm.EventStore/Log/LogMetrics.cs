using System.Diagnostics.Metrics;

namespace Crm.EventStore.Log;

/// <summary>What the log counts of itself, under the meter <see cref="MeterName"/>.</summary>
public static class LogMetrics
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Crm.EventStore";

    private static readonly Meter meter = new(MeterName);

    private static readonly Counter<long> appended =
        meter.CreateCounter<long>("crm.log.events.appended", "{event}", "Events that the log took.");

    private static readonly Histogram<int> batches = meter.CreateHistogram(
        "crm.log.append.batch_size",
        "{command}",
        "Commands that shared one transaction.",
        tags: null,
        new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000] });

    internal static void Committed(int commands, int events)
    {
        appended.Add(events);
        batches.Record(commands);
    }
}

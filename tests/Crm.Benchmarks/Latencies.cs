using System.Diagnostics;

namespace Crm.Benchmarks;

/// <summary>Latencies of single operations; each caller writes its own, they are put together at the end.</summary>
public sealed class Latencies
{
    private readonly List<long> ticks = [];

    /// <summary>How many were taken.</summary>
    public int Count => ticks.Count;

    /// <summary>Adds the time since a timestamp of <see cref="Stopwatch"/>.</summary>
    public void Since(long began) => ticks.Add(Stopwatch.GetTimestamp() - began);

    /// <summary>Adds one in milliseconds.</summary>
    public void Add(double milliseconds) => ticks.Add((long)(milliseconds * Stopwatch.Frequency / 1e3));

    /// <summary>All of several callers' together.</summary>
    public static Latencies Of(IEnumerable<Latencies> callers)
    {
        var all = new Latencies();
        foreach (var caller in callers)
        {
            all.ticks.AddRange(caller.ticks);
        }

        all.ticks.Sort();
        return all;
    }

    /// <summary>The latency that so many percent do not exceed, in milliseconds (nearest rank).</summary>
    public double Percentile(double percent)
    {
        if (ticks.Count == 0)
        {
            return double.NaN;
        }

        ticks.Sort();
        var rank = (int)Math.Ceiling(percent / 100 * ticks.Count);
        return ticks[Math.Clamp(rank - 1, 0, ticks.Count - 1)] * 1e3 / Stopwatch.Frequency;
    }
}

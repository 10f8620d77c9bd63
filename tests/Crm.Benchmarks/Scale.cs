namespace Crm.Benchmarks;

/// <summary>How much is measured: enough to be believed, or just enough to see that everything still runs.</summary>
/// <param name="IsQuick">Whether this is the short run, whose figures prove nothing.</param>
/// <param name="Repetitions">How often a throughput is measured; the median counts.</param>
/// <param name="Yardstick">How long pgbench runs, each time.</param>
/// <param name="Load">How long an append load runs, each time.</param>
/// <param name="WarmUp">How long it runs before.</param>
/// <param name="DecideStreams">Streams of ten events, each decided upon once per repetition.</param>
/// <param name="LoneCommands">Commands one after the other.</param>
/// <param name="RebuildLeads">Leads, of five events each, that are rebuilt.</param>
/// <param name="BurstEvents">Events that pile up before the projections start.</param>
/// <param name="VisibleSeconds">How long commands are sent at 50 a second.</param>
/// <param name="Leads">Leads that are queried.</param>
/// <param name="Queries">Runs of each query, after as many to warm up; fewer of slow ones.</param>
/// <param name="Query">A part of the names of the queries that are run; null for all.</param>
public sealed record Scale(
    bool IsQuick,
    int Repetitions,
    TimeSpan Yardstick,
    TimeSpan Load,
    TimeSpan WarmUp,
    int DecideStreams,
    int LoneCommands,
    int RebuildLeads,
    int BurstEvents,
    int VisibleSeconds,
    int Leads,
    int Queries,
    string? Query = null)
{
    /// <summary>What the promises are measured at.</summary>
    public static Scale Full { get; } = new(
        IsQuick: false, Repetitions: 3, Yardstick: TimeSpan.FromSeconds(4), Load: TimeSpan.FromSeconds(8), WarmUp: TimeSpan.FromSeconds(3),
        DecideStreams: 30_000, LoneCommands: 5_000, RebuildLeads: 200_000, BurstEvents: 100_000, VisibleSeconds: 20,
        Leads: 1_000_000, Queries: 1_000);

    /// <summary>Seconds instead of minutes.</summary>
    public static Scale Quick { get; } = new(
        IsQuick: true, Repetitions: 1, Yardstick: TimeSpan.FromSeconds(1), Load: TimeSpan.FromSeconds(1), WarmUp: TimeSpan.FromSeconds(1),
        DecideStreams: 500, LoneCommands: 200, RebuildLeads: 2_000, BurstEvents: 2_000, VisibleSeconds: 2, Leads: 2_000, Queries: 20);
}

namespace Crm.Benchmarks;

/// <summary>One row of the table of promises.</summary>
/// <param name="Name">Its name for <c>--only</c>.</param>
/// <param name="Work">The work, as the table of promises names it.</param>
/// <param name="Run">Measures it.</param>
public sealed record Benchmark(string Name, string Work, Func<Bench, CancellationToken, Task<IReadOnlyList<Figure>>> Run)
{
    /// <summary>All of them, in the order in which they are run.</summary>
    public static IReadOnlyList<Benchmark> All { get; } =
    [
        new(
            "append-32", "append in process, one new stream and event per command, 32 callers, everything on",
            AppendNewStreams.With32Callers),
        new("append-512", "the same, 512 callers", AppendNewStreams.With512Callers),
        new("append-sealed", "append with personal data sealed beside the same events unsealed", AppendSealed.Run),
        new("decide", "load, decide, append to a stream of 10 events, 32 callers", DecideAndAppend.Run),
        new("lone", "a lone command on an idle system", LoneCommand.Run),
        new("http", "POST /leads over HTTP with wrk, 32 connections, signed in, validated, projections running", CaptureOverHttp.Run),
        new("rebuild", "rebuild of lead_board over 1,000,000 events, indexes and switch included", RebuildLeadBoard.Run),
        new("burst", "a burst through all projections together, live", LiveBurst.Run),
        new("visible", "commit to visible in lead_board, 50 commands/s", CommitToVisible.Run),
        new("queries", "queries at 1,000,000 leads, one at a time", QueriesAtScale.Run),
        new("import", "import of the 262,200 real rows", ImportRealRows.Run),
        new("recover", "crm recover of the real events, all read models, verified", RecoverRealEvents.Run),
        new("recover-large", "crm recover of 1,000,000 events, all read models, verified", RecoverMillionEvents.Run),
        new("tree", "the audit tree over 1,000,000 events from nothing, signed; and crm verify of it", AuditTreeOfTheLog.Run),
        new("archive", "crm backup of 1,000,000 events, and crm restore of them into an empty database", ArchiveAndRestore.Run),
    ];
}

/// <summary>What a benchmark works with.</summary>
/// <param name="Stand">The cluster and its databases.</param>
/// <param name="Yardstick">pgbench on the same cluster.</param>
/// <param name="Scale">How much is measured.</param>
/// <param name="Crm">The <c>crm</c> command line, as a process of its own.</param>
/// <param name="Say">Tells people what is being done.</param>
public sealed record Bench(Stand Stand, Pgbench Yardstick, Scale Scale, CrmProgram Crm, Action<string> Say);

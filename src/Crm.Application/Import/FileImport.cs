using Crm.EventStore.Log;

namespace Crm.Application.Import;

/// <summary>Imports files: the history of leads from an activity log, or leads themselves.</summary>
public static class FileImport
{
    /// <summary>Records an activity log as history, with its own times; rows that were taken before are not taken again.</summary>
    /// <param name="log">The log.</param>
    /// <param name="file">The CSV file, plain or gzip.</param>
    /// <param name="map">The map's JSON.</param>
    /// <param name="source">The source's name; null for the map's own.</param>
    /// <param name="rejected">Where rows that cannot be taken are listed.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="ct">Stops it between two batches.</param>
    /// <exception cref="ImportMapException">The map does not make sense, or not with this file.</exception>
    /// <exception cref="UnreadableFileException">The file cannot be read (on).</exception>
    /// <exception cref="ImportRefusedException">Under this source another file was imported.</exception>
    /// <exception cref="LogUnavailableException">The database went away; the same call goes on where it stopped.</exception>
    public static async Task<ImportReport> History(
        EventLog log, string file, string map, string? source, string rejected, IProgress<ImportProgress>? progress, CancellationToken ct)
    {
        var delimiter = HistoryMap.DelimiterOf(map);
        var bound = HistoryMap.Read(map, HeaderOf(file, delimiter), source);
        using var run = new ImportRun(log, new HistoryPlanner(log, bound), "import-history", new RejectedRows(rejected), progress);
        return await run.Take(file, delimiter, sameFileOnly: true, ct);
    }

    /// <summary>Captures or changes leads by their external ids, as the commands would; a repetition changes nothing.</summary>
    /// <param name="log">The log.</param>
    /// <param name="file">The CSV file, plain or gzip.</param>
    /// <param name="map">The map's JSON; null to guess from the names of the columns.</param>
    /// <param name="source">The source's name; null for the map's own, or the file's name.</param>
    /// <param name="mode">What is done with a row.</param>
    /// <param name="rejected">Where rows that cannot be taken are listed.</param>
    /// <param name="now">The time of the import.</param>
    /// <param name="show">Told which column is taken for what, before the first row is.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="ct">Stops it between two batches.</param>
    /// <exception cref="ImportMapException">The map does not make sense, or not with this file.</exception>
    /// <exception cref="UnreadableFileException">The file cannot be read (on).</exception>
    /// <exception cref="LogUnavailableException">The database went away; the same call goes on where it stopped.</exception>
    public static async Task<ImportReport> Leads(
        EventLog log,
        string file,
        string? map,
        string? source,
        LeadsMode mode,
        string rejected,
        DateTimeOffset now,
        Action<IReadOnlyList<(string Column, string Field)>> show,
        IProgress<ImportProgress>? progress,
        CancellationToken ct)
    {
        var delimiter = map is null ? ',' : HistoryMap.DelimiterOf(map);
        var header = HeaderOf(file, delimiter);
        var bound = map is null ? LeadsMap.Guess(header, source ?? Path.GetFileName(file)) : LeadsMap.Read(map, header, source);
        show(bound.Shown);
        var planner = new LeadsPlanner(log, bound, mode, now);
        using var run = new ImportRun(log, planner, $"import-leads-{mode}".ToLowerInvariant(), new RejectedRows(rejected), progress);
        return await run.Take(file, delimiter, sameFileOnly: false, ct);
    }

    private static IReadOnlyList<string> HeaderOf(string file, char delimiter)
    {
        using var rows = CsvRows.Open(file, delimiter);
        return rows.Header;
    }
}

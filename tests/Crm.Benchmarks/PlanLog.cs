using System.Text.RegularExpressions;

namespace Crm.Benchmarks;

/// <summary>
/// The plans of what a database is asked, as the server writes them to its log (auto_explain, analyze off): of the very statements
/// that the product sends, whatever they are.
/// </summary>
public sealed partial class PlanLog : IAsyncDisposable
{
    private readonly Stand stand;
    private readonly string database;
    private string file = "";
    private long from;

    private PlanLog(Stand stand, string database) => (this.stand, this.database) = (stand, database);

    /// <summary>Has every plan written from now on, for connections that are opened from now on.</summary>
    public static async Task<PlanLog> Begin(Stand stand, string database, CancellationToken ct)
    {
        string[] settings =
        [
            "session_preload_libraries = 'auto_explain'", "auto_explain.log_min_duration = 0", "auto_explain.log_analyze = off",
        ];
        foreach (var setting in settings)
        {
            await stand.Execute(database, $"load 'auto_explain'; alter database {database} set {setting}", ct);
        }

        return new PlanLog(stand, database);
    }

    /// <summary>Forgets what was written so far.</summary>
    public void Mark()
    {
        var logs = Directory.EnumerateFiles(stand.Cluster.DataFolder, "postgresql-*.log", SearchOption.AllDirectories);
        file = logs.MaxBy(File.GetLastWriteTimeUtc)
            ?? throw new FileNotFoundException($"The server writes no log below {stand.Cluster.DataFolder}.");
        from = new FileInfo(file).Length;
    }

    /// <summary>The plans since the mark, without those of the projections' own work.</summary>
    public async Task<IReadOnlyList<string>> SinceMark(CancellationToken ct)
    {
        // The collector writes what it gets at once, but it gets it by a pipe.
        var text = "";
        for (var look = 0; look < 20; look++)
        {
            await using (var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
            {
                stream.Seek(from, SeekOrigin.Begin);
                using var reader = new StreamReader(stream);
                text = await reader.ReadToEndAsync(ct);
            }

            if (text.Contains("Query Text:", StringComparison.Ordinal))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), ct);
                look = Math.Max(look, 18);
            }
            else
            {
                await Task.Delay(TimeSpan.FromMilliseconds(25), ct);
            }
        }

        return [.. Entry().Split(text).Where(Concerns).Select(PlanOf).DistinctBy(QueryOf, StringComparer.Ordinal)];
    }

    /// <summary>Plans are no longer written.</summary>
    public async ValueTask DisposeAsync()
    {
        // No token: whatever happened, the database must not go on writing its plans down.
        await stand.Execute(
            database,
            $"""
            load 'auto_explain';
            alter database {database} reset session_preload_libraries;
            alter database {database} reset auto_explain.log_min_duration;
            alter database {database} reset auto_explain.log_analyze
            """,
            CancellationToken.None);
    }

    private static bool Concerns(string entry) => entry.Contains("Query Text:", StringComparison.Ordinal) && !Own().IsMatch(entry);

    // The same statement with other values is shown once.
    private static string QueryOf(string plan) =>
        string.Join('\n', plan.Split('\n').TakeWhile(static line => !line.Contains("(cost=", StringComparison.Ordinal)));

    private static string PlanOf(string entry) =>
        string.Join('\n', entry[entry.IndexOf("Query Text:", StringComparison.Ordinal)..].Split('\n')
            .Select(static line => line.TrimStart('\t').TrimEnd())).Trim();

    [GeneratedRegex(@"^(?=\d{4}-\d\d-\d\d )", RegexOptions.CultureInvariant | RegexOptions.Multiline, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Entry();

    // What runs beside the queries: checkpoints, leases, heartbeats, looks for new events, announcements.
    [GeneratedRegex(
        @"Query Text:\s*(?:update|insert|delete|set |select set_config|select position from crm\.(?:projections|log_counter)|"
            + @"select .*seq_id > \$|.*pg_notify|.*crm\.nodes)",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Own();
}

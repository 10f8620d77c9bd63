using System.Globalization;
using System.Text.RegularExpressions;

namespace Crm.EventStore.Archives;

/// <summary>One folder, as pruning judges it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Due">Whether it is to be removed.</param>
/// <param name="Why">Why, or why not.</param>
public sealed record PrunedFolder(string Name, bool Due, string Why);

/// <summary>What pruning did, or would do.</summary>
/// <param name="Applied">Whether what was due has been removed.</param>
/// <param name="Folders">Every folder, the oldest first.</param>
public sealed record PruneReport(bool Applied, IReadOnlyList<PrunedFolder> Folders);

/// <summary>
/// How long archives are kept. Only folders that <c>ops/backup</c> has made are touched: their name carries the time, and a file in them
/// says of what kind they are. The newest archive is never removed, whatever its age.
/// </summary>
/// <param name="Days">Days that daily archives are kept.</param>
/// <param name="Weeks">Weeks that weekly archives are kept.</param>
/// <param name="ExportWeeks">Weeks that exports of leads are kept.</param>
public sealed partial record ArchiveRetention(int Days, int Weeks, int ExportWeeks)
{
    /// <summary>The file in a folder that says of what kind it is.</summary>
    public const string KindFile = "kind";

    /// <summary>The file by which somebody says that what was deployed after this archive has been verified.</summary>
    public const string VerifiedFile = "verified";

    /// <summary>What was asked for: daily 7 days, weekly 4 weeks, exports 2 weeks.</summary>
    public static ArchiveRetention Asked { get; } = new(7, 4, 2);

    /// <summary>Judges every folder, and removes those that are due if told to.</summary>
    /// <param name="root">The folder that they are in.</param>
    /// <param name="now">The time that ages are counted to.</param>
    /// <param name="apply">Whether to remove them.</param>
    /// <param name="ct">Stops it between two folders.</param>
    public async Task<PruneReport> Prune(string root, DateTimeOffset now, bool apply, CancellationToken ct)
    {
        var known = new List<(string Path, string Kind, DateTimeOffset At)>();
        var judged = new SortedDictionary<string, PrunedFolder>(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateDirectories(root))
        {
            var name = Path.GetFileName(path);
            var kind = File.Exists(Path.Combine(path, KindFile))
                ? (await File.ReadAllTextAsync(Path.Combine(path, KindFile), ct)).Trim()
                : null;
            if (kind is null || TimeOf(name) is not { } at)
            {
                judged[name] = new PrunedFolder(name, Due: false, "is none of ours");
                continue;
            }

            known.Add((path, kind, LastAddedTo(path, at)));
        }

        // An interrupted backup is no archive yet: the one before it is the newest.
        var newest = known.Where(static each => File.Exists(Path.Combine(each.Path, ArchiveFolder.Manifest)))
            .OrderBy(static each => each.At).Select(static each => each.Path).LastOrDefault();
        foreach (var (path, kind, at) in known)
        {
            ct.ThrowIfCancellationRequested();
            var name = Path.GetFileName(path);
            var folder = path == newest
                ? new PrunedFolder(name, Due: false, $"{kind}, the newest archive")
                : Judge(name, kind, now - at, File.Exists(Path.Combine(path, VerifiedFile)));
            if (apply && folder.Due)
            {
                Directory.Delete(path, recursive: true);
            }

            judged[name] = folder;
        }

        return new PruneReport(apply, [.. judged.Values]);
    }

    private PrunedFolder Judge(string name, string kind, TimeSpan age, bool isVerified)
    {
        TimeSpan? keep = kind switch
        {
            "daily" => TimeSpan.FromDays(Days),
            "weekly" => TimeSpan.FromDays(7 * Weeks),
            "leads" => TimeSpan.FromDays(7 * ExportWeeks),
            "pre-deployment" when isVerified => TimeSpan.FromDays(Days),
            _ => null,
        };
        var days = string.Create(CultureInfo.InvariantCulture, $"{kind}, {Math.Floor(age.TotalDays)} days old");
        return keep is { } limit
            ? new PrunedFolder(name, age >= limit, string.Create(CultureInfo.InvariantCulture, $"{days}, kept for {limit.TotalDays}"))
            : new PrunedFolder(name, Due: false, kind is "pre-deployment" ? $"{days}, not verified yet" : $"{days}: a kind that is kept");
    }

    /// <summary>An archive that is added to lives from its last addition on.</summary>
    private static DateTimeOffset LastAddedTo(string path, DateTimeOffset begun)
    {
        var manifest = new FileInfo(Path.Combine(path, ArchiveFolder.Manifest));
        var written = new DateTimeOffset(manifest.LastWriteTimeUtc);
        return manifest.Exists && written > begun ? written : begun;
    }

    private static DateTimeOffset? TimeOf(string name) => Name().Match(name) is { Success: true } match
        && DateTimeOffset.TryParseExact(
            match.Groups["at"].Value, "yyyyMMdd_HHmm", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
        ? at
        : null;

    [GeneratedRegex("^crm_[a-z]+_(?<at>[0-9]{8}_[0-9]{4})$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Name();
}

using System.Diagnostics;
using System.Globalization;
using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Archives;

/// <summary>What a backup came to.</summary>
/// <param name="Folder">The archive's folder.</param>
/// <param name="Position">The last position that it holds now.</param>
/// <param name="Counts">What it holds now.</param>
/// <param name="AddedEvents">The events that this run has added.</param>
/// <param name="AddedSegments">The segments that this run has added.</param>
/// <param name="AddedBytes">How long they are together, as they lie.</param>
/// <param name="TreeHead">The head of the audit tree at that position; null where the tree is broken, which an archive must outlive.</param>
/// <param name="TakenOver">The segments of those that an interrupted run had finished.</param>
/// <param name="LogSeconds">How long the log took.</param>
/// <param name="Seconds">How long everything took.</param>
public sealed record BackupReport(
    string Folder, long Position, ArchiveCounts Counts, long AddedEvents, int AddedSegments, long AddedBytes,
    ArchiveTreeHead? TreeHead, int TakenOver, double LogSeconds, double Seconds)
{
    /// <summary>Events of the log that were archived per second.</summary>
    public double EventsPerSecond => LogSeconds > 0 ? Math.Round(AddedEvents / LogSeconds) : 0;
}

/// <summary>
/// Archives the log while it is written to: consistent up to the position it had at the start, because positions are gapless and what
/// stands at them never changes; so nothing is locked. Each run adds what came since the last one.
/// </summary>
/// <param name="database">The database, in a role that may read the log and the tables of credentials.</param>
/// <param name="folder">Where the archive is.</param>
/// <param name="key">The key to encrypt it with; null: not encrypted.</param>
/// <param name="time">The clock of the manifest.</param>
public sealed class LogBackup(NpgsqlDataSource database, ArchiveFolder folder, ArchiveKey? key, TimeProvider time)
{
    /// <summary>Events of one segment where nothing else is asked for.</summary>
    public const int UsualSegment = 50_000;

    /// <summary>Segments that are written at the same time: as many as there are cores to compress them.</summary>
    private static readonly int atOnce = Math.Clamp(Environment.ProcessorCount, 1, 4);

    private readonly Lock gate = new();

    /// <summary>Events of one segment at the most.</summary>
    public int SegmentEvents { get; init; } = UsualSegment;

    /// <summary>Files of configuration that the archive carries along; empty: those that it has stay.</summary>
    public IReadOnlyList<string> Configuration { get; init; } = [];

    /// <summary>Archives what the log holds now and the archive does not.</summary>
    /// <param name="progress">Told how much of that is done, 0–1; null for nobody.</param>
    /// <param name="ct">Stops it; the same call goes on from the segments that are finished.</param>
    /// <exception cref="ArchiveRefusedException">
    /// The folder holds the archive of another log, or one with another key, or one that is further than this log; the folder of keys is
    /// another than before; a file of configuration cannot be archived.
    /// </exception>
    /// <exception cref="ArchiveDamagedException">The manifest was changed.</exception>
    /// <exception cref="LogCorruptException">A position is missing in the log.</exception>
    public async Task<BackupReport> Run(IProgress<double>? progress, CancellationToken ct)
    {
        var clock = Stopwatch.StartNew();
        ArchivedConfiguration.Demand(Configuration, key);
        await using var entered = folder.Enter();
        var before = await folder.Find(key, ct);
        folder.MakeKeys(before);
        var encryption = key is null ? null : new ArchiveEncryption(ArchiveEncryption.Current, key.Id);
        var source = await ArchivedLog.Look(database, before?.LastPosition ?? 0, ct);
        source.MustContinue(before);
        var began = Stopwatch.GetTimestamp();
        var (added, takenOver) = await WriteSegments(source, before?.LastPosition ?? 0, encryption, progress, ct);
        var logSeconds = Stopwatch.GetElapsedTime(began).TotalSeconds;

        // After the log, so that a key which was destroyed meanwhile is not among them; each event's key is older than the event.
        var secrets = await ArchiveSecretRows.Write(database, folder, key, source.Position, ct);
        var configuration = Configuration.Count == 0 ? before?.Configuration : await ArchivedConfiguration.Write(Configuration, folder, key, ct);
        var now = time.GetUtcNow();
        IReadOnlyList<ArchiveSegment> segments = [.. before?.Segments ?? [], .. added];
        var manifest = new ArchiveManifest(
            ArchiveManifest.CurrentFormat,
            Product(),
            source.FirstEvent,
            source.LastEvent,
            source.Schema,
            before?.CreatedAt ?? now,
            now,
            source.Position,
            ArchiveCounts.Of(segments),
            await TreeHead(source.Position, ct),
            encryption,
            secrets,
            [.. before?.Runs ?? [], new ArchiveRun(now, source.Position)],
            segments,
            configuration);
        folder.Write(manifest, key);
        folder.Clear(manifest);
        return new BackupReport(
            folder.Root, source.Position, manifest.Counts, added.Sum(static segment => segment.Events), added.Count,
            added.Sum(static segment => segment.File.Bytes), manifest.TreeHead, takenOver, logSeconds, clock.Elapsed.TotalSeconds);
    }

    private async Task<ArchiveTreeHead?> TreeHead(long position, CancellationToken ct)
    {
        try
        {
            return position == 0 ? null : await ArchiveTree.At(database, position, isRestored: false, progress: null, ct);
        }
        catch (Exception fault) when (fault is not (OperationCanceledException or NpgsqlException))
        {
            // A tree that is broken, or an event that no tree can take: an archive is wanted all the more. crm verify says what is wrong.
            return null;
        }
    }

    private static string Product() =>
        $"crm {typeof(LogBackup).Assembly.GetName().Version?.ToString(3)}";

    private async Task<(List<ArchiveSegment> Added, int TakenOver)> WriteSegments(
        ArchivedLog source, long after, ArchiveEncryption? encryption, IProgress<double>? progress, CancellationToken ct)
    {
        if (source.FirstEvent is not { } log || source.Position == after)
        {
            return ([], 0);
        }

        var done = await TakeOver(log, after, source.Position, encryption, ct);
        var takenOver = done.Count;
        var behind = source.Position - after;
        var finished = done.Sum(static segment => segment.Events);
        await Parallel.ForEachAsync(
            Missing(done, after, source.Position),
            new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = ct },
            async (range, stop) =>
            {
                var segment = await Write(range.First, range.Last, stop);
                lock (gate)
                {
                    done.Add(segment);
                    folder.WriteUnfinished(new UnfinishedRun(log, encryption, done));
                    finished += segment.Events;
                    progress?.Report((double)finished / behind);
                }
            });
        return ([.. done.OrderBy(static segment => segment.First)], takenOver);
    }

    /// <summary>The segments that an interrupted run of this very archive has left whole.</summary>
    private async Task<List<ArchiveSegment>> TakeOver(
        Guid log, long after, long upTo, ArchiveEncryption? encryption, CancellationToken ct)
    {
        if (await folder.FindUnfinished(ct) is not { } left || left.Log != log || left.Encryption != encryption)
        {
            return [];
        }

        var whole = new List<ArchiveSegment>();
        foreach (var segment in left.Segments.Where(segment => segment.First > after && segment.Last <= upTo))
        {
            try
            {
                await ArchiveFileReader.CheckAsItLies(folder.Root, segment.File, ct);
                whole.Add(segment);
            }
            catch (ArchiveDamagedException)
            {
                // Written again: it had not reached the disk when the machine stopped.
            }
        }

        return whole;
    }

    /// <summary>The positions that are still to be written, in parts of a segment's size.</summary>
    private List<(long First, long Last)> Missing(List<ArchiveSegment> done, long after, long upTo)
    {
        var missing = new List<(long First, long Last)>();
        var next = after + 1;
        foreach (var (first, last) in done.Select(static segment => (segment.First, segment.Last)).Order().Append((upTo + 1, upTo + 1)))
        {
            for (; next < first; next = missing[^1].Last + 1)
            {
                missing.Add((next, Math.Min(first - 1, next + SegmentEvents - 1)));
            }

            next = last + 1;
        }

        return missing;
    }

    private async Task<ArchiveSegment> Write(long first, long last, CancellationToken ct)
    {
        var name = string.Create(
            CultureInfo.InvariantCulture, $"log/{first:D12}-{last:D12}.ndjson.gz{(key is null ? "" : ".enc")}");
        using var file = new ArchiveFileWriter(folder.Root, name, key);
        var tally = await SegmentContent.Read(database, first, last, file.Write, ct);
        return new ArchiveSegment(first, last, tally.Streams, tally.Types(), file.End());
    }
}

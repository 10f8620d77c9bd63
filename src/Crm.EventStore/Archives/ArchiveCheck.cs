namespace Crm.EventStore.Archives;

/// <summary>What the check of an archive found.</summary>
/// <param name="LastPosition">The last position that the manifest promises.</param>
/// <param name="GoodUpTo">
/// Up to here nothing is damaged: so far it can be restored; 0 where the rows beside the log are lost, without which nothing can be.
/// </param>
/// <param name="Counts">What it holds, as counted where it could be read.</param>
/// <param name="Damages">What is wrong; empty when nothing is.</param>
/// <param name="Orphans">
/// Files of rows beside the log that the archive does not name: they may hold wrapped keys of persons who have been erased since.
/// </param>
public sealed record ArchiveCheckReport(
    long LastPosition, long GoodUpTo, ArchiveCounts Counts, IReadOnlyList<ArchiveDamage> Damages, IReadOnlyList<string> Orphans)
{
    /// <summary>Whether everything is as the manifest says.</summary>
    public bool IsWhole => Damages.Count == 0;
}

/// <summary>
/// Checks an archive without a database: that the manifest was not changed, that each segment is the file it names, opens, decompresses,
/// holds the events that it should, in order and without a gap, and that the counts are right.
/// </summary>
public static class ArchiveCheck
{
    private static readonly int atOnce = Math.Clamp(Environment.ProcessorCount, 1, 4);

    /// <summary>Reads everything.</summary>
    /// <param name="folder">The archive.</param>
    /// <param name="key">Its key; null: it is not encrypted.</param>
    /// <param name="progress">Told how much is done, 0–1; null for nobody.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="ArchiveRefusedException">There is no archive, or the key is missing or another.</exception>
    /// <exception cref="ArchiveDamagedException">The manifest was changed: nothing can be said of the rest.</exception>
    public static async Task<ArchiveCheckReport> Run(ArchiveFolder folder, ArchiveKey? key, IProgress<double>? progress, CancellationToken ct)
    {
        var manifest = await folder.Read(key, ct);
        var (damages, counted, events) = (new List<ArchiveDamage>(), new List<ArchiveSegment>(), 0L);
        var gate = new Lock();
        await Parallel.ForEachAsync(
            manifest.Segments,
            new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = ct },
            (segment, stop) =>
            {
                var (found, damage) = Look(folder, segment, key, stop);
                lock (gate)
                {
                    counted.AddRange(found is null ? [] : [found]);
                    damages.AddRange(damage is null ? [] : [damage]);
                    events += segment.Events;
                    progress?.Report((double)events / Math.Max(1, manifest.LastPosition));
                }

                return ValueTask.CompletedTask;
            });

        damages.AddRange(Gaps(manifest));
        try
        {
            ArchiveSecretRows.Check(folder, manifest.Secrets, key);
        }
        catch (Exception broken) when (ArchivedEvents.IsDamage(broken))
        {
            damages.Add(OfSecrets(manifest, broken));
        }

        damages.AddRange(ArchivedConfiguration.Check(folder, manifest, key));
        var counts = ArchiveCounts.Of(counted);
        if (damages.Count == 0 && !counts.Same(manifest.Counts))
        {
            damages.Add(new ArchiveDamage(ArchiveFolder.Manifest, null, null, "its counts are not what the segments hold"));
        }

        return new ArchiveCheckReport(
            manifest.LastPosition, GoodUpTo(manifest, damages), counts, [.. damages.OrderBy(static damage => damage.First ?? long.MaxValue)],
            folder.OrphanedKeys(manifest));
    }

    /// <summary>
    /// Checks the files as they lie, without opening them: by length and SHA-256, and that the segments follow each other. What a
    /// restoration goes by before it begins.
    /// </summary>
    /// <returns>What is wrong; empty when nothing is.</returns>
    public static async Task<IReadOnlyList<ArchiveDamage>> AsItLies(
        ArchiveFolder folder, ArchiveManifest manifest, long upTo, CancellationToken ct)
    {
        var damages = new List<ArchiveDamage>(Gaps(manifest));
        foreach (var segment in manifest.Segments.Where(segment => segment.First <= upTo))
        {
            try
            {
                await ArchiveFileReader.CheckAsItLies(folder.Root, segment.File, ct);
            }
            catch (ArchiveDamagedException broken)
            {
                damages.Add(Of(segment, broken));
            }
        }

        try
        {
            await ArchiveFileReader.CheckAsItLies(folder.Keys, manifest.Secrets.File, ct);
        }
        catch (ArchiveDamagedException broken)
        {
            damages.Add(OfSecrets(manifest, broken));
        }

        return damages;
    }

    /// <summary>
    /// Up to where an archive with such faults can be restored. Without the rows beside the log nothing sealed opens and nobody signs in:
    /// there is no good part then.
    /// </summary>
    public static long GoodUpTo(ArchiveManifest manifest, IReadOnlyList<ArchiveDamage> damages) =>
        damages.Any(damage => damage.File == manifest.Secrets.File.Name)
            ? 0
            : Math.Min(manifest.LastPosition, damages.Select(static damage => damage.First - 1 ?? long.MaxValue).Append(long.MaxValue).Min());

    /// <summary>A fault of a segment, with the positions that are lost by it.</summary>
    internal static ArchiveDamage Of(ArchiveSegment segment, Exception broken) => new(
        segment.File.Name,
        segment.First,
        segment.Last,
        WhatOf(broken));

    /// <summary>A fault of the rows beside the log, and what it means.</summary>
    private static ArchiveDamage OfSecrets(ArchiveManifest manifest, Exception broken) => new(
        manifest.Secrets.File.Name,
        First: null,
        Last: null,
        $"{WhatOf(broken)}; without these rows nothing sealed opens and nobody signs in, so no part of the archive can be restored: "
        + "look for this file in a copy, or take another archive");

    private static string WhatOf(Exception broken) =>
        broken is ArchiveDamagedException { Damages: [var one, ..] } ? one.What : $"it cannot be read ({broken.Message})";

    private static IEnumerable<ArchiveDamage> Gaps(ArchiveManifest manifest)
    {
        var next = 1L;
        foreach (var segment in manifest.Segments)
        {
            if (segment.First != next || segment.Last < segment.First)
            {
                yield return new ArchiveDamage(
                    ArchiveFolder.Manifest, next, Math.Max(next, segment.Last), "its segments do not follow each other");
            }

            next = segment.Last + 1;
        }

        if (next != manifest.LastPosition + 1)
        {
            yield return new ArchiveDamage(
                ArchiveFolder.Manifest, Math.Min(next, manifest.LastPosition), manifest.LastPosition, "its segments end elsewhere than it says");
        }
    }

    private static (ArchiveSegment? Found, ArchiveDamage? Damage) Look(
        ArchiveFolder folder, ArchiveSegment segment, ArchiveKey? key, CancellationToken ct)
    {
        try
        {
            return (Count(folder, segment, key, ct), null);
        }
        catch (Exception broken) when (ArchivedEvents.IsDamage(broken))
        {
            return (null, Of(segment, broken));
        }
    }

    private static ArchiveSegment Count(ArchiveFolder folder, ArchiveSegment segment, ArchiveKey? key, CancellationToken ct)
    {
        using var file = new ArchiveFileReader(folder.Root, segment.File, key);
        var lines = new Lines(file);
        var tally = new SegmentTally();
        var next = segment.First;
        while (lines.Next())
        {
            ct.ThrowIfCancellationRequested();
            var facts = EventLineReader.FactsOf(lines.Line);
            if (facts.Position != next++)
            {
                throw new ArchiveDamagedException(segment.File.Name, FormattableString.Invariant($"position {next - 1} is missing in it"));
            }

            tally.Count(facts.Version, facts.Type);
        }

        file.Check();
        return next == segment.Last + 1
            ? segment with { Streams = tally.Streams, Types = tally.Types() }
            : throw new ArchiveDamagedException(segment.File.Name, FormattableString.Invariant($"it ends at position {next - 1}"));
    }
}

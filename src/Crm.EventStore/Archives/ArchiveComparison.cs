using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Crm.EventStore.Archives;

/// <summary>Compares a restored log with the archive that it came from.</summary>
/// <param name="restored">The restored database.</param>
/// <param name="folder">The archive.</param>
/// <param name="manifest">Its manifest.</param>
/// <param name="key">Its key; null: it is not encrypted.</param>
/// <param name="upTo">The last position that was restored.</param>
public sealed class ArchiveComparison(
    NpgsqlDataSource restored, ArchiveFolder folder, ArchiveManifest manifest, ArchiveKey? key, long upTo)
{
    private static readonly int atOnce = Math.Clamp(Environment.ProcessorCount, 1, 4);

    /// <summary>Writes every segment again from the tables, without keeping it, and compares the hashes.</summary>
    /// <param name="progress">Told how much is compared, 0–1; null for nobody.</param>
    /// <param name="ct">Stops it.</param>
    /// <returns>For the archive and for the tables: a hash over the segments' hashes, and what they hold.</returns>
    public async Task<(LogContent Archive, LogContent Restored)> Run(IProgress<double>? progress, CancellationToken ct)
    {
        var segments = manifest.Segments.Where(segment => segment.First <= upTo).ToList();
        var (wanted, found) = (new ArchiveSegment[segments.Count], new ArchiveSegment[segments.Count]);
        var compared = 0L;
        await Parallel.ForEachAsync(
            Enumerable.Range(0, segments.Count),
            new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = ct },
            async (at, stop) =>
            {
                wanted[at] = segments[at].Last <= upTo ? segments[at] : Part(segments[at], stop);
                found[at] = await Again(wanted[at], stop);
                progress?.Report((double)Interlocked.Add(ref compared, wanted[at].Events) / upTo);
            });
        return (LogContent.Of(wanted), LogContent.Of(found));
    }

    /// <summary>The first part of a segment, as though it ended at the last position that is restored.</summary>
    private ArchiveSegment Part(ArchiveSegment segment, CancellationToken ct)
    {
        using var file = new ArchiveFileReader(folder.Root, segment.File, key);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var lines = new Lines(file);
        var tally = new SegmentTally();
        for (var next = segment.First; next <= upTo && lines.Next(); next++)
        {
            ct.ThrowIfCancellationRequested();
            var facts = EventLineReader.FactsOf(lines.Line);
            tally.Count(facts.Version, facts.Type);
            hash.AppendData(lines.Line);
        }

        var content = Convert.ToHexStringLower(hash.GetCurrentHash());
        return segment with
        {
            Last = upTo,
            Streams = tally.Streams,
            Types = tally.Types(),
            File = segment.File with { ContentSha256 = content },
        };
    }

    /// <summary>The same segment, as the restored tables have it.</summary>
    private async Task<ArchiveSegment> Again(ArchiveSegment segment, CancellationToken ct)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var tally = await SegmentContent.Read(restored, segment.First, segment.Last, hash.AppendData, ct);
        var content = Convert.ToHexStringLower(hash.GetCurrentHash());
        return segment with { Streams = tally.Streams, Types = tally.Types(), File = segment.File with { ContentSha256 = content } };
    }
}

/// <summary>What a log holds up to a position, as archives compare it.</summary>
/// <param name="Counts">What it holds.</param>
/// <param name="Sha256">SHA-256 over the segments' content hashes in order, each in hexadecimal on a line of its own.</param>
public sealed record LogContent(ArchiveCounts Counts, string Sha256)
{
    /// <summary>What some segments hold together.</summary>
    internal static LogContent Of(IReadOnlyList<ArchiveSegment> segments)
    {
        var lines = new StringBuilder();
        foreach (var segment in segments)
        {
            lines.Append(CultureInfo.InvariantCulture, $"{segment.File.ContentSha256}\n");
        }

        return new LogContent(
            ArchiveCounts.Of(segments), Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines.ToString()))));
    }
}

using Crm.EventStore.Archives;

namespace Crm.Application.Recovery;

/// <summary>Who has been erased, as archives know, and lists that somebody keeps.</summary>
public static class ErasedSince
{
    private static readonly HashSet<string> erasure = new(StringComparer.Ordinal) { "lead-erased" };

    /// <summary>Reads the streams whose subjects were erased.</summary>
    /// <param name="place">A later archive's folder, or a file with one id on each line.</param>
    /// <param name="key">The key of the later archive; null: it is not encrypted.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="ArchiveRefusedException">It is neither, or the key is another.</exception>
    /// <exception cref="ArchiveDamagedException">Of the later archive neither the events nor the rows of keys say it.</exception>
    public static async Task<KnownErasures> Read(string place, ArchiveKey? key, CancellationToken ct)
    {
        if (Directory.Exists(place))
        {
            var later = ArchiveFolder.At(place, keys: null);
            var manifest = await later.Read(key, ct);
            return new KnownErasures(
                LaterArchive(later, manifest, key, ct), [FormattableString.Invariant($"{place}, up to position {manifest.LastPosition}")], []);
        }

        var ids = new HashSet<Guid>();
        foreach (var line in (await File.ReadAllLinesAsync(place, ct)).Where(static line => !string.IsNullOrWhiteSpace(line)))
        {
            ids.Add(Guid.TryParse(line.Trim(), out var id)
                ? id
                : throw new ArchiveRefusedException($"{place} holds a line that is no id: {line}"));
        }

        return KnownErasures.Of(place, ids);
    }

    /// <summary>
    /// Who was erased as the archive that is restored itself knows, also beyond the position that is restored: by the events, and by the
    /// keys that its rows have as destroyed. An erasure destroys a key in the transaction of its event, so the keys alone tell all of them.
    /// </summary>
    internal static (IReadOnlyCollection<Guid> Streams, IReadOnlyList<UnreadableSegment> Unreadable) In(
        ArchiveFolder folder, ArchiveManifest manifest, ArchiveKey? key, CancellationToken ct)
    {
        var found = ArchivedEvents.Find(folder, manifest, key, after: 0, erasure, ct);
        return ([.. Streams(found).Union(ArchivedKeys.Destroyed(folder, manifest, key))], found.Unreadable);
    }

    /// <summary>The keys of a later archive may be kept apart: its events do as well, as long as all of them can be read.</summary>
    private static IReadOnlyCollection<Guid> LaterArchive(ArchiveFolder later, ArchiveManifest manifest, ArchiveKey? key, CancellationToken ct)
    {
        var found = ArchivedEvents.Find(later, manifest, key, after: 0, erasure, ct);
        try
        {
            return [.. Streams(found).Union(ArchivedKeys.Destroyed(later, manifest, key))];
        }
        catch (ArchiveDamagedException) when (found.Unreadable.Count == 0)
        {
            return [.. Streams(found)];
        }
    }

    private static HashSet<Guid> Streams(FoundEvents found) => found.Events.Select(static erased => erased.StreamId).ToHashSet();
}

using Crm.EventStore.Archives;

namespace Crm.Application.Recovery;

/// <summary>Who has been erased since an archive was made, as something newer than the archive knows.</summary>
public static class ErasedSince
{
    private static readonly HashSet<string> erasure = new(StringComparer.Ordinal) { "lead-erased" };

    /// <summary>Reads the streams whose subjects were erased.</summary>
    /// <param name="place">A later archive's folder, or a file with one id on each line.</param>
    /// <param name="key">The key of the later archive; null: it is not encrypted.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="ArchiveRefusedException">It is neither, or the key is another.</exception>
    public static async Task<IReadOnlyCollection<Guid>> Read(string place, ArchiveKey? key, CancellationToken ct)
    {
        if (Directory.Exists(place))
        {
            var later = ArchiveFolder.At(place, keys: null);
            return Read(later, await later.Read(key, ct), key, ct);
        }

        var ids = new HashSet<Guid>();
        foreach (var line in (await File.ReadAllLinesAsync(place, ct)).Where(static line => !string.IsNullOrWhiteSpace(line)))
        {
            ids.Add(Guid.TryParse(line.Trim(), out var id)
                ? id
                : throw new ArchiveRefusedException($"{place} holds a line that is no id: {line}"));
        }

        return ids;
    }

    /// <summary>The streams whose subjects were erased, as an archive itself knows, also beyond the position that is restored.</summary>
    internal static IReadOnlyCollection<Guid> Read(ArchiveFolder folder, ArchiveManifest manifest, ArchiveKey? key, CancellationToken ct) =>
        ArchivedEvents.Find(folder, manifest, key, after: 0, erasure, ct).Select(static erased => erased.StreamId).ToHashSet();
}

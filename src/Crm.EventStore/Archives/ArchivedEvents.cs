using System.Text;
using System.Text.Json;

namespace Crm.EventStore.Archives;

/// <summary>An event that was looked for in an archive.</summary>
/// <param name="Position">Its position.</param>
/// <param name="StreamId">Its stream.</param>
/// <param name="Type">Its stored name.</param>
public sealed record ArchivedEvent(long Position, Guid StreamId, string Type);

/// <summary>A segment that should hold events that were looked for, and cannot be read.</summary>
/// <param name="Damage">What is wrong with it.</param>
/// <param name="Sought">How many of these events it holds, by stored name, as the manifest says.</param>
public sealed record UnreadableSegment(ArchiveDamage Damage, IReadOnlyDictionary<string, long> Sought);

/// <summary>What was found in an archive, and where nobody could look.</summary>
/// <param name="Events">The events.</param>
/// <param name="Unreadable">The segments that hold more of them and cannot be read.</param>
public sealed record FoundEvents(IReadOnlyList<ArchivedEvent> Events, IReadOnlyList<UnreadableSegment> Unreadable);

/// <summary>Looks for events in an archive, by their stored names.</summary>
public static class ArchivedEvents
{
    /// <summary>
    /// The events of some kinds after a position. Segments without such events are not opened; one that is damaged is named, and nothing
    /// that it seems to hold is believed.
    /// </summary>
    public static FoundEvents Find(
        ArchiveFolder folder, ArchiveManifest manifest, ArchiveKey? key, long after, IReadOnlySet<string> types, CancellationToken ct)
    {
        var (found, unreadable) = (new List<ArchivedEvent>(), new List<UnreadableSegment>());
        foreach (var segment in manifest.Segments.Where(segment => segment.Last > after && segment.Types.Keys.Any(types.Contains)))
        {
            try
            {
                found.AddRange(In(folder, segment, key, after, types, ct));
            }
            catch (Exception broken) when (IsDamage(broken))
            {
                var sought = segment.Types.Where(type => types.Contains(type.Key)).ToDictionary(StringComparer.Ordinal);
                unreadable.Add(new UnreadableSegment(ArchiveCheck.Of(segment, broken), sought));
            }
        }

        return new FoundEvents(found, unreadable);
    }

    /// <summary>Whether a segment that is read fails by what it holds, and not by the machine.</summary>
    internal static bool IsDamage(Exception broken) =>
        broken is ArchiveDamagedException or JsonException or InvalidDataException or FormatException or InvalidOperationException;

    private static List<ArchivedEvent> In(
        ArchiveFolder folder, ArchiveSegment segment, ArchiveKey? key, long after, IReadOnlySet<string> types, CancellationToken ct)
    {
        using var file = new ArchiveFileReader(folder.Root, segment.File, key);
        var (lines, found) = (new Lines(file), new List<ArchivedEvent>());
        while (lines.Next())
        {
            ct.ThrowIfCancellationRequested();
            var facts = EventLineReader.FactsOf(lines.Line);
            if (facts.Position > after && Encoding.UTF8.GetString(facts.Type) is var type && types.Contains(type))
            {
                found.Add(new ArchivedEvent(facts.Position, facts.Stream, type));
            }
        }

        file.Check();
        return found;
    }
}

/// <summary>The keys of sealed data, as an archive's rows beside the log have them.</summary>
public static class ArchivedKeys
{
    /// <summary>
    /// The streams whose key was destroyed: whoever stands in them was erased by the time these rows were written, whatever has become of
    /// the event that says so.
    /// </summary>
    /// <exception cref="ArchiveDamagedException">The file is damaged, is not there, or is not the manifest's.</exception>
    public static IReadOnlyCollection<Guid> Destroyed(ArchiveFolder folder, ArchiveManifest manifest, ArchiveKey? key) =>
        ArchiveSecretRows.DestroyedKeys(folder, manifest.Secrets, key);
}

namespace Crm.EventStore.Archives;

/// <summary>An event that was looked for in an archive.</summary>
/// <param name="Position">Its position.</param>
/// <param name="StreamId">Its stream.</param>
/// <param name="Type">Its stored name.</param>
public sealed record ArchivedEvent(long Position, Guid StreamId, string Type);

/// <summary>Looks for events in an archive, by their stored names.</summary>
public static class ArchivedEvents
{
    /// <summary>The events of some kinds after a position. Segments without such events are not opened.</summary>
    /// <exception cref="ArchiveDamagedException">A segment that has some is damaged.</exception>
    public static IReadOnlyList<ArchivedEvent> Find(
        ArchiveFolder folder, ArchiveManifest manifest, ArchiveKey? key, long after, IReadOnlySet<string> types, CancellationToken ct)
    {
        var found = new List<ArchivedEvent>();
        foreach (var segment in manifest.Segments.Where(segment => segment.Last > after && segment.Types.Keys.Any(types.Contains)))
        {
            using var file = new ArchiveFileReader(folder.Root, segment.File, key);
            var lines = new Lines(file);
            while (lines.Next())
            {
                ct.ThrowIfCancellationRequested();
                var facts = EventLineReader.FactsOf(lines.Line);
                if (facts.Position > after && types.Contains(System.Text.Encoding.UTF8.GetString(facts.Type)))
                {
                    found.Add(new ArchivedEvent(facts.Position, facts.Stream, System.Text.Encoding.UTF8.GetString(facts.Type)));
                }
            }

            file.Check();
        }

        return found;
    }
}

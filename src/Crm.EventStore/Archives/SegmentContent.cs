using System.Text;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Npgsql;

namespace Crm.EventStore.Archives;

/// <summary>The content of a segment, as the database has it.</summary>
internal static class SegmentContent
{
    private const int HandOverFrom = 64 * 1024;

    /// <summary>Takes a part of the content.</summary>
    public delegate void Take(ReadOnlySpan<byte> bytes);

    /// <summary>Reads the events of some positions and hands them over as lines.</summary>
    /// <exception cref="LogCorruptException">A position is missing.</exception>
    public static async Task<SegmentTally> Read(NpgsqlDataSource database, long first, long last, Take take, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await LogSession.Prepare(connection, first - 1, last, ct);
        await using var copy = await connection.BeginRawBinaryCopyAsync(EventLineWriter.Copy, ct);
        var rows = new CopyRows(copy);
        var lines = new EventLineWriter();
        var tally = new SegmentTally();
        var next = first;
        while (await rows.Next(ct))
        {
            MustBe(next++, EventLineWriter.PositionOf(rows));
            tally.Count(EventLineWriter.VersionOf(rows), EventLineWriter.TypeOf(rows));
            lines.Write(rows);
            if (lines.Written.Length >= HandOverFrom)
            {
                take(lines.Written);
                lines.Clear();
            }
        }

        take(lines.Written);
        MustBe(last + 1, next);
        return tally;
    }

    private static void MustBe(long expected, long found)
    {
        if (expected != found)
        {
            throw new LogCorruptException(FormattableString.Invariant($"The log has no event at position {expected}."));
        }
    }
}

/// <summary>Counts events by their stored names, which are few.</summary>
internal sealed class SegmentTally
{
    private readonly List<(byte[] Name, long Count)> types = [];

    /// <summary>How many streams begin.</summary>
    public long Streams { get; private set; }

    /// <summary>Counts one event.</summary>
    public void Count(long version, ReadOnlySpan<byte> type)
    {
        Streams += version == 1 ? 1 : 0;
        for (var at = 0; at < types.Count; at++)
        {
            if (type.SequenceEqual(types[at].Name))
            {
                types[at] = (types[at].Name, types[at].Count + 1);
                return;
            }
        }

        types.Add((type.ToArray(), 1));
    }

    /// <summary>How many events of each stored name.</summary>
    public IReadOnlyDictionary<string, long> Types() => new SortedDictionary<string, long>(
        types.ToDictionary(static type => Encoding.UTF8.GetString(type.Name), static type => type.Count, StringComparer.Ordinal),
        StringComparer.Ordinal);
}

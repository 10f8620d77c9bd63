using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Text;
using Crm.EventStore.Log;

namespace Crm.EventStore.Projections;

/// <summary>
/// Turns rows of <c>mt_events</c> (the columns of <see cref="StoredEvent.Columns"/>) into events. What an append wrote beside each of its
/// events is decoded once for all of them.
/// </summary>
internal sealed class EventDecoder(EventCatalog catalog, FrozenDictionary<string, string> names)
{
    private static readonly long Epoch = new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;

    private readonly FrozenDictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> known =
        names.GetAlternateLookup<ReadOnlySpan<char>>();

    private byte[] headersBefore = [];
    private byte[] correlationBefore = [];
    private byte[] causationBefore = [];
    private (Envelope Envelope, DateTimeOffset RecordedAt)? before;

    /// <summary>The event; one that cannot be read stands there as an <see cref="UnreadableEvent"/>.</summary>
    public RecordedEvent Decode(CopyRows row)
    {
        var position = BinaryPrimitives.ReadInt64BigEndian(row[0]);
        var type = NameOf(row[4]);
        var (envelope, recordedAt) = EnvelopeOf(row, position);
        return new RecordedEvent(
            position,
            new Guid(row[1], bigEndian: true),
            new Guid(row[2], bigEndian: true),
            BinaryPrimitives.ReadInt64BigEndian(row[3]),
            type,
            DataOf(type, row[5]),
            new DateTimeOffset(Epoch + (BinaryPrimitives.ReadInt64BigEndian(row[6]) * TimeSpan.TicksPerMicrosecond), TimeSpan.Zero),
            recordedAt,
            envelope);
    }

    private object DataOf(string type, ReadOnlySpan<byte> jsonb)
    {
        try
        {
            return catalog.Deserialize(type, Json(jsonb));
        }
        catch (LogCorruptException unreadable)
        {
            return new UnreadableEvent(type, unreadable.Message);
        }
    }

    private (Envelope Envelope, DateTimeOffset RecordedAt) EnvelopeOf(CopyRows row, long position)
    {
        if (before is { } same && row[9].SequenceEqual(headersBefore)
            && row[7].SequenceEqual(correlationBefore) && row[8].SequenceEqual(causationBefore))
        {
            return same;
        }

        var (correlation, causation) = (TextOf(row, 7), TextOf(row, 8));
        if (row.IsNull(9) || EventHeaders.Read(Json(row[9]), correlation, causation) is not (var envelope, { } recordedAt))
        {
            throw new LogCorruptException($"The event at position {position} does not say when it was recorded.");
        }

        // An empty text is not the same as none, though their bytes are: those are decoded each time.
        before = correlation is "" || causation is "" ? null : (envelope, recordedAt);
        (headersBefore, correlationBefore, causationBefore) = (row[9].ToArray(), row[7].ToArray(), row[8].ToArray());
        return (envelope, recordedAt);
    }

    private string NameOf(ReadOnlySpan<byte> utf8)
    {
        Span<char> text = stackalloc char[64];
        return Encoding.UTF8.TryGetChars(utf8, text, out var length) && known.TryGetValue(text[..length], out var name)
            ? name
            : Encoding.UTF8.GetString(utf8);
    }

    private static string? TextOf(CopyRows row, int column) => row.IsNull(column) ? null : Encoding.UTF8.GetString(row[column]);

    /// <summary>A jsonb comes with its version before the text.</summary>
    private static ReadOnlySpan<byte> Json(ReadOnlySpan<byte> jsonb) => jsonb[1..];
}

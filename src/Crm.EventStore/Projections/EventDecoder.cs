using System.Buffers.Binary;
using System.Collections.Frozen;
using System.Text;
using Crm.EventStore.Log;
using Crm.EventStore.Sealing;

namespace Crm.EventStore.Projections;

/// <summary>
/// Turns rows of <c>mt_events</c> (the columns of <see cref="StoredEvent.Columns"/>) into events. What an append wrote beside each of its
/// events is decoded once for all of them.
/// </summary>
internal sealed class EventDecoder(EventCatalog catalog, FrozenDictionary<string, string> names, MasterKeys masters) : IDisposable
{
    private static readonly long Epoch = new DateTime(2000, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;

    private readonly FrozenDictionary<string, string>.AlternateLookup<ReadOnlySpan<char>> known =
        names.GetAlternateLookup<ReadOnlySpan<char>>();

    private readonly EventOpening opening = new(catalog, masters);
    private byte[] headersBefore = [];
    private byte[] correlationBefore = [];
    private byte[] causationBefore = [];
    private (Envelope Envelope, DateTimeOffset RecordedAt)? before;

    /// <summary>Whether a row can only be decoded with its stream's key.</summary>
    public static bool NeedsKey(CopyRow row) => EventOpening.NeedsKey(row[5], row[9]);

    /// <summary>The stream of a row.</summary>
    public static Guid StreamOf(CopyRow row) => new(row[2], bigEndian: true);

    /// <summary>The position of a row.</summary>
    public static long PositionOf(CopyRow row) => BinaryPrimitives.ReadInt64BigEndian(row[0]);

    /// <summary>The event; one that cannot be read stands there as an <see cref="UnreadableEvent"/>.</summary>
    /// <param name="row">The row.</param>
    /// <param name="key">Its stream's key, where it <see cref="NeedsKey"/>.</param>
    public RecordedEvent Decode(CopyRow row, SubjectKey key)
    {
        var position = PositionOf(row);
        var place = new SealedPlace(StreamOf(row), BinaryPrimitives.ReadInt64BigEndian(row[3]), NameOf(row[4]));
        var erased = false;
        var data = DataOf(place, key, Json(row[5]), ref erased);
        var (envelope, recordedAt) = EnvelopeOf(row, position, place, key, ref data, ref erased);
        return new RecordedEvent(
            position,
            new Guid(row[1], bigEndian: true),
            place.Stream,
            place.Version,
            place.Name,
            data,
            new DateTimeOffset(Epoch + (BinaryPrimitives.ReadInt64BigEndian(row[6]) * TimeSpan.TicksPerMicrosecond), TimeSpan.Zero),
            recordedAt,
            envelope)
        { IsErased = erased };
    }

    /// <inheritdoc/>
    public void Dispose() => opening.Dispose();

    private object DataOf(in SealedPlace place, SubjectKey key, ReadOnlySpan<byte> json, ref bool erased)
    {
        try
        {
            return opening.Data(place, key, json, ref erased);
        }
        catch (LogCorruptException unreadable)
        {
            return new UnreadableEvent(place.Name, unreadable.Message);
        }
    }

    private (Envelope Envelope, DateTimeOffset RecordedAt) EnvelopeOf(
        CopyRow row, long position, in SealedPlace place, SubjectKey key, ref object data, ref bool erased)
    {
        if (before is { } same && row[9].SequenceEqual(headersBefore)
            && row[7].SequenceEqual(correlationBefore) && row[8].SequenceEqual(causationBefore))
        {
            return same;
        }

        if (row.IsNull(9) || HeadersOf(row, place, key, ref data, ref erased) is not (var envelope, { } recordedAt))
        {
            throw new LogCorruptException($"The event at position {position} does not say when it was recorded.");
        }

        // An empty text is not the same as none, though their bytes are: those are decoded each time. What is sealed belongs to one event.
        before = envelope is { CorrelationId: "" } or { CausationId: "" } || JsonOpener.MayBeSealed(row[9]) ? null : (envelope, recordedAt);
        (headersBefore, correlationBefore, causationBefore) = (row[9].ToArray(), row[7].ToArray(), row[8].ToArray());
        return (envelope, recordedAt);
    }

    private (Envelope Envelope, DateTimeOffset? RecordedAt) HeadersOf(
        CopyRow row, in SealedPlace place, SubjectKey key, ref object data, ref bool erased)
    {
        var (correlation, causation) = (TextOf(row, 7), TextOf(row, 8));
        try
        {
            return opening.Headers(place, key, Json(row[9]), correlation, causation, ref erased);
        }
        catch (LogCorruptException unreadable)
        {
            data = new UnreadableEvent(place.Name, unreadable.Message);
            return EventHeaders.Read(Json(row[9]), correlation, causation);
        }
    }

    private string NameOf(ReadOnlySpan<byte> utf8)
    {
        Span<char> text = stackalloc char[64];
        return Encoding.UTF8.TryGetChars(utf8, text, out var length) && known.TryGetValue(text[..length], out var name)
            ? name
            : Encoding.UTF8.GetString(utf8);
    }

    private static string? TextOf(CopyRow row, int column) => row.IsNull(column) ? null : Encoding.UTF8.GetString(row[column]);

    /// <summary>A jsonb comes with its version before the text.</summary>
    private static ReadOnlySpan<byte> Json(ReadOnlySpan<byte> jsonb) => jsonb[1..];
}

using Crm.EventStore.Sealing;
using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>A row of <c>mt_events</c>, not yet decoded.</summary>
internal readonly record struct StoredEvent(
    long Position,
    Guid Id,
    Guid Stream,
    long Version,
    string Type,
    byte[] Data,
    DateTimeOffset At,
    string? Correlation,
    string? Causation,
    byte[]? Headers,
    SubjectKey Key)
{
    /// <summary>The columns of an event, in the order in which all readers expect them.</summary>
    public const string Columns =
        "e.seq_id, e.id, e.stream_id, e.version, e.type, e.data, e.timestamp, e.correlation_id, e.causation_id, e.headers";

    /// <summary>What <see cref="Read"/> expects: the columns of the events <c>e</c> and their streams' keys.</summary>
    public const string Select = $"select {Columns}, {SubjectKeys.Columns} from crm.mt_events e {SubjectKeys.Join}";

    /// <summary>Takes over the reader's row.</summary>
    public static StoredEvent Read(NpgsqlDataReader reader) => new(
        reader.GetInt64(0),
        reader.GetGuid(1),
        reader.GetGuid(2),
        reader.GetInt64(3),
        reader.GetString(4),
        reader.GetFieldValue<byte[]>(5),
        reader.GetFieldValue<DateTimeOffset>(6),
        reader.IsDBNull(7) ? null : reader.GetString(7),
        reader.IsDBNull(8) ? null : reader.GetString(8),
        reader.IsDBNull(9) ? null : reader.GetFieldValue<byte[]>(9),
        SubjectKeys.Read(reader, 10));

    private SealedPlace Place => new(Stream, Version, Type);

    /// <summary>The event.</summary>
    /// <exception cref="LogCorruptException">Its type is unknown, or its data cannot be read.</exception>
    public RecordedEvent Decode(EventCatalog catalog, EventOpening opening)
    {
        var erased = false;
        var data = opening.Data(Place, Key, Data, ref erased);
        var headers = Headers is null ? default : opening.Headers(Place, Key, Headers, Correlation, Causation, ref erased);
        return With(data, catalog, headers) with { IsErased = erased };
    }

    /// <summary>The event; one that cannot be read must not stop those who follow the whole log: what to do about it is theirs.</summary>
    public RecordedEvent DecodeOrSayWhyNot(EventCatalog catalog, EventOpening opening)
    {
        try
        {
            return Decode(catalog, opening);
        }
        catch (LogCorruptException unreadable)
        {
            var headers = Headers is null ? default : EventHeaders.Read(Headers, Correlation, Causation);
            return With(new UnreadableEvent(Type, unreadable.Message), catalog, headers);
        }
    }

    private RecordedEvent With(object data, EventCatalog catalog, (Envelope Envelope, DateTimeOffset? RecordedAt) headers) =>
        headers is ({ } envelope, { } recordedAt)
            ? new RecordedEvent(Position, Id, Stream, Version, catalog.OneCopy(Type), data, At, recordedAt, envelope)
            : throw new LogCorruptException($"The event at position {Position} does not say when it was recorded.");
}

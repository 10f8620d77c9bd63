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
    byte[]? Headers)
{
    /// <summary>The columns that <see cref="Read"/> expects, in its order.</summary>
    public const string Columns = "seq_id, id, stream_id, version, type, data, timestamp, correlation_id, causation_id, headers";

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
        reader.IsDBNull(9) ? null : reader.GetFieldValue<byte[]>(9));

    /// <summary>The event.</summary>
    /// <exception cref="LogCorruptException">Its type is unknown, or its data cannot be read.</exception>
    public RecordedEvent Decode(EventCatalog catalog) => With(catalog.Deserialize(Type, Data), catalog);

    /// <summary>The event; one that cannot be read must not stop those who follow the whole log: what to do about it is theirs.</summary>
    public RecordedEvent DecodeOrSayWhyNot(EventCatalog catalog)
    {
        try
        {
            return Decode(catalog);
        }
        catch (LogCorruptException unreadable)
        {
            return With(new UnreadableEvent(Type, unreadable.Message), catalog);
        }
    }

    private RecordedEvent With(object data, EventCatalog catalog) =>
        Headers is not null && EventHeaders.Read(Headers, Correlation, Causation) is (var envelope, { } recordedAt)
            ? new RecordedEvent(Position, Id, Stream, Version, catalog.OneCopy(Type), data, At, recordedAt, envelope)
            : throw new LogCorruptException($"The event at position {Position} does not say when it was recorded.");
}

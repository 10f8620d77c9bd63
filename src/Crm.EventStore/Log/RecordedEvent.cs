namespace Crm.EventStore.Log;

/// <summary>An event as the log holds it.</summary>
/// <param name="Position">Its place in the log: 1, 2, 3 … without a hole, in commit order.</param>
/// <param name="Id">Its own id.</param>
/// <param name="StreamId">The stream it belongs to.</param>
/// <param name="Version">Its place in the stream: 1, 2, 3 …</param>
/// <param name="Type">Its stored name, such as <c>lead-qualified</c>.</param>
/// <param name="Data">The event, upcast to today's shape.</param>
/// <param name="At">When it happened.</param>
/// <param name="RecordedAt">When the log took it, by the database's clock; never runs backwards along the positions.</param>
/// <param name="Envelope">Who, for whom, why, as part of what.</param>
public sealed record RecordedEvent(
    long Position,
    Guid Id,
    Guid StreamId,
    long Version,
    string Type,
    object Data,
    DateTimeOffset At,
    DateTimeOffset RecordedAt,
    Envelope Envelope)
{
    /// <summary>Whether something of it was sealed under a key that has been destroyed: it reads as absent, or as erased.</summary>
    public bool IsErased { get; init; }
}

/// <summary>The log contradicts itself: a hole in the positions, an unknown event type, data that cannot be read. Reading stops here.</summary>
public class LogCorruptException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Stands in a recorded event's data where the stored JSON or its name cannot be read, so that one event stops its stream and not the log.</summary>
/// <param name="Type">The stored name.</param>
/// <param name="Error">Why it cannot be read.</param>
public sealed record UnreadableEvent(string Type, string Error);

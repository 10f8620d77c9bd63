using Crm.EventStore.Sealing;

namespace Crm.EventStore.Log;

/// <summary>An event that is to be appended.</summary>
/// <param name="Id">The event's own id; unique by the caller's care (an import derives it from the source's row).</param>
/// <param name="Data">The event; its type must be in the <see cref="EventCatalog"/>.</param>
/// <param name="At">When it happened, to the microsecond.</param>
public sealed record NewEvent(Guid Id, object Data, DateTimeOffset At)
{
    /// <summary>The envelope of this event alone, where it differs from the append's (an import's actors).</summary>
    public Envelope? Envelope { get; init; }
}

/// <summary>Events for one stream.</summary>
/// <param name="StreamId">The stream.</param>
/// <param name="StreamType">The stream's type, such as <c>lead</c>; stored when the stream begins.</param>
/// <param name="ExpectedVersion">The version the stream must have; 0 begins it.</param>
/// <param name="Events">The events in order; empty checks the expected version only.</param>
public sealed record StreamAppend(Guid StreamId, string StreamType, long ExpectedVersion, IReadOnlyList<NewEvent> Events)
{
    /// <summary>
    /// The key of the stream's personal data as the read found it that this append was decided on; null where that is not at hand, and is
    /// then read if it is needed.
    /// </summary>
    public SubjectKey? Key { get; init; }
}

/// <summary>A key that must belong to one stream only, such as an external id.</summary>
/// <param name="Scope">What the key names, such as <c>lead-external-id</c>.</param>
/// <param name="Key">The key.</param>
/// <param name="StreamId">The stream that holds it.</param>
public sealed record UniqueKey(string Scope, string Key, Guid StreamId);

/// <summary>Remembers, in the same transaction, that a caller's request has been carried out and what was answered.</summary>
/// <param name="Caller">Who asked; keys of different callers never meet.</param>
/// <param name="Key">The caller's idempotency key.</param>
/// <param name="RequestHash">SHA-256 of what was asked (method, path and body).</param>
/// <param name="Status">The HTTP status that was answered.</param>
/// <param name="StreamId">The stream of the answer; null for an answer that names none.</param>
/// <param name="Version">The stream's version after the append.</param>
/// <param name="EventTypes">The stored names of the events, in order.</param>
/// <param name="Body">The answer's body where it is not the standard one of a command, such as a problem document.</param>
public sealed record Receipt(
    string Caller,
    string Key,
    byte[] RequestHash,
    int Status,
    Guid? StreamId,
    long Version,
    IReadOnlyList<string> EventTypes,
    string? Body);

/// <summary>A receipt as it was stored.</summary>
/// <param name="Receipt">What was remembered.</param>
/// <param name="Position">The log's position of the answer.</param>
/// <param name="RecordedAt">When.</param>
public sealed record StoredReceipt(Receipt Receipt, long Position, DateTimeOffset RecordedAt);

/// <summary>One command's append: all of it happens, or none.</summary>
/// <param name="Streams">The events per stream; each stream at most once.</param>
/// <param name="Envelope">The metadata of all its events.</param>
public sealed record AppendCommand(IReadOnlyList<StreamAppend> Streams, Envelope Envelope)
{
    /// <summary>Keys that are claimed for a stream.</summary>
    public IReadOnlyList<UniqueKey> Claims { get; init; } = [];

    /// <summary>Keys that are given up.</summary>
    public IReadOnlyList<UniqueKey> Releases { get; init; } = [];

    /// <summary>The receipt of the request; null when the caller sent no idempotency key.</summary>
    public Receipt? Receipt { get; init; }

    /// <summary>
    /// Streams of this append whose key is destroyed in its transaction: all personal data that they hold are erased with it, for good.
    /// </summary>
    public IReadOnlyList<Guid> Erases { get; init; } = [];

    /// <summary>How far a long piece of work has come with this append; null for none.</summary>
    public Bookmark? Bookmark { get; init; }
}

/// <summary>
/// How far a long piece of work, such as an import, has come: written in the transaction of the events it made, so that work that
/// was interrupted goes on exactly where its events end. The last one written wins.
/// </summary>
/// <param name="Scope">What kind of work.</param>
/// <param name="Key">Which piece of it.</param>
/// <param name="Value">How far, in the work's own terms.</param>
public sealed record Bookmark(string Scope, string Key, string Value);

/// <summary>What became of an append. Only <see cref="Appended"/> means that it is in the log, durably.</summary>
public abstract record AppendOutcome
{
    private AppendOutcome()
    {
    }

    /// <summary>It is in the log.</summary>
    /// <param name="LastPosition">The position of its last event; the log's last position when it had no events.</param>
    /// <param name="RecordedAt">When the log took it, by the database's clock.</param>
    public sealed record Appended(long LastPosition, DateTimeOffset RecordedAt) : AppendOutcome;

    /// <summary>A stream was not at its expected version; nothing was appended.</summary>
    public sealed record VersionConflict(Guid StreamId, long Expected, long Actual) : AppendOutcome;

    /// <summary>A unique key belongs to another stream; nothing was appended.</summary>
    public sealed record KeyTaken(UniqueKey Key, Guid Holder) : AppendOutcome;

    /// <summary>The request had been carried out before; nothing was appended. The receipt says what was answered.</summary>
    public sealed record AlreadyDone(StoredReceipt Stored) : AppendOutcome;
}

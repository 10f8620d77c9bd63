using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>
/// The log: appends commands' events and reads them back. Positions are gapless and in commit order, so that
/// <c>seq_id &gt; after order by seq_id</c> never misses an event that commits later.
/// </summary>
public sealed class EventLog(NpgsqlDataSource database, EventCatalog catalog, LogPosition position)
{
    /// <summary>What this host knows of the log's end.</summary>
    public LogPosition Position => position;

    /// <summary>The event types that the log may hold.</summary>
    public EventCatalog Catalog => catalog;

    /// <summary>
    /// Appends one command's events, all or nothing, and answers when they are durable. Commands that wait at the same
    /// moment share one transaction (group commit), each with an outcome of its own.
    /// </summary>
    /// <exception cref="LogUnavailableException">The database cannot be reached, or did not answer in time: the outcome may be unknown.</exception>
    public Task<AppendOutcome> Append(AppendCommand command, CancellationToken ct) => throw new NotSupportedException(database.ToString());

    /// <summary>A stream's events in order of version, from one version to another (both included).</summary>
    public Task<IReadOnlyList<RecordedEvent>> ReadStream(Guid stream, CancellationToken ct, long from = 1, long to = long.MaxValue) => throw new NotSupportedException();

    /// <summary>The events after a position in order, at most so many; checked to be without a hole.</summary>
    public Task<IReadOnlyList<RecordedEvent>> ReadAfter(long after, int limit, CancellationToken ct) => throw new NotSupportedException();

    /// <summary>The log's last position; 0 when it is empty.</summary>
    public Task<long> LastPosition(CancellationToken ct) => throw new NotSupportedException();

    /// <summary>The last position that the log held at a time of recording, found by bisection; 0 before the first.</summary>
    public Task<long> PositionAt(DateTimeOffset recordedAt, CancellationToken ct) => throw new NotSupportedException();

    /// <summary>The stream that holds a unique key; null when none does.</summary>
    public Task<Guid?> FindHolder(string scope, string key, CancellationToken ct) => throw new NotSupportedException();

    /// <summary>The receipt of a caller's request; null when it has not been carried out.</summary>
    public Task<StoredReceipt?> FindReceipt(string caller, string key, CancellationToken ct) => throw new NotSupportedException();
}

/// <summary>The database cannot be reached or did not answer in time. The command may be repeated with the same idempotency key.</summary>
public sealed class LogUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

using Crm.EventStore.Sealing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.EventStore.Log;

/// <summary>
/// The log: appends commands' events and reads them back. Positions are gapless and in commit order, so that
/// <c>seq_id &gt; after order by seq_id</c> never misses an event that commits later.
/// </summary>
public sealed class EventLog : IAsyncDisposable
{
    private readonly LogReader reader;
    private readonly LogWriter writer;
    private readonly StreamReads streams;

    /// <summary>
    /// A log on a database whose schema is up to date; keeps three of its connections, two for appending and one for loading streams.
    /// </summary>
    /// <param name="database">The database, in the role that may append.</param>
    /// <param name="catalog">The event types.</param>
    /// <param name="masters">The master keys, which wrap the keys of the streams that hold personal data.</param>
    /// <param name="position">Told of every position that this log commits.</param>
    /// <param name="options">The writer's limits.</param>
    /// <param name="logger">Where faults and retries are reported.</param>
    /// <param name="time">The clock by which commands are given up; never the one that events are recorded by.</param>
    public EventLog(
        NpgsqlDataSource database,
        EventCatalog catalog,
        MasterKeys masters,
        LogPosition position,
        EventLogOptions? options = null,
        ILogger? logger = null,
        TimeProvider? time = null)
    {
        Catalog = catalog;
        Masters = masters;
        Position = position;
        reader = new LogReader(database, catalog, masters);
        var limits = options ?? new EventLogOptions();
        writer = new LogWriter(database, limits, position, reader, time ?? TimeProvider.System, logger ?? NullLogger.Instance);
        streams = new StreamReads(database, catalog, masters, reader, limits, logger ?? NullLogger.Instance);
    }

    /// <summary>What this host knows of the log's end.</summary>
    public LogPosition Position { get; }

    /// <summary>The event types that the log may hold.</summary>
    public EventCatalog Catalog { get; }

    /// <summary>The master keys, which wrap the keys of the streams that hold personal data.</summary>
    public MasterKeys Masters { get; }

    /// <summary>
    /// Appends one command's events, all or nothing, and answers when they are durable. Commands that wait at the same
    /// moment share one transaction (group commit), each with an outcome of its own. A cancellation before the command's turn
    /// withdraws it; after that it is carried out.
    /// </summary>
    /// <exception cref="LogUnavailableException">
    /// The database cannot be reached, or did not answer in time: the outcome may be unknown.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// The command holds what the database cannot store, such as a NUL character; nothing was appended.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was withdrawn; nothing was appended.</exception>
    /// <exception cref="SubjectErasedException">It holds personal data for a stream that is erased; nothing was appended.</exception>
    public Task<AppendOutcome> Append(AppendCommand command, CancellationToken ct) => SubjectKeys.Unknown(command, Catalog) is { } unknown
        ? AppendWith(unknown, command, ct)
        : writer.Append(PendingAppend.Encode(command, Catalog, Masters, fetched: null, writer.NextDeadline()), ct);

    /// <summary>A stream's events in order of version, from one version to another (both included).</summary>
    public async Task<IReadOnlyList<RecordedEvent>> ReadStream(Guid stream, CancellationToken ct, long from = 1, long to = long.MaxValue) =>
        await reader.ReadStream(stream, from, to, ct);

    /// <summary>
    /// A whole stream in order of version, as a decision goes by it. Whatever streams are wanted at the same moment come in one query.
    /// </summary>
    public async Task<StreamHistory> ReadForDecision(Guid stream, CancellationToken ct) => await streams.Read(stream, ct);

    /// <summary>
    /// The same for a decision to erase the stream, and for nothing else: what was sealed under a key that is lost reads as erased, since
    /// nobody will ever read it.
    /// </summary>
    public async Task<StreamHistory> ReadToErase(Guid stream, CancellationToken ct)
    {
        try
        {
            return await ReadForDecision(stream, ct);
        }
        catch (SubjectKeyMissingException)
        {
            var events = await reader.ReadStreamWithoutKey(stream, ct);
            return new StreamHistory(
                [.. events.Select(static recorded => new StreamEvent(recorded.Position, recorded.At, recorded.Data))], SubjectKey.Destroyed)
            {
                IsKeyLost = true,
            };
        }
    }

    /// <summary>A stream's events as an erasure would leave them; those that can be read as they are, where the key is there.</summary>
    public async Task<IReadOnlyList<RecordedEvent>> ReadStreamToErase(Guid stream, CancellationToken ct)
    {
        try
        {
            return await reader.ReadStream(stream, 1, long.MaxValue, ct);
        }
        catch (SubjectKeyMissingException)
        {
            return await reader.ReadStreamWithoutKey(stream, ct);
        }
    }

    /// <summary>The unique keys that a stream holds.</summary>
    public async Task<IReadOnlyList<UniqueKey>> HeldBy(Guid stream, CancellationToken ct) => await reader.HeldBy(stream, ct);

    /// <summary>
    /// A stream's events as they stood at a time: the longest run from its first event on of which none happened later. So an event that an
    /// import brought with an earlier time than the one before it does not show before that one does.
    /// </summary>
    public async Task<IReadOnlyList<RecordedEvent>> ReadStreamAsOf(Guid stream, DateTimeOffset asOf, CancellationToken ct) =>
        await reader.ReadStreamAsOf(stream, asOf, ct);

    /// <summary>A stream's events that the log held when its last position was this one.</summary>
    public async Task<IReadOnlyList<RecordedEvent>> ReadStreamUpTo(Guid stream, long position, CancellationToken ct) =>
        await reader.ReadStreamUpTo(stream, position, ct);

    /// <summary>A whole stream as it is stored: an event that cannot be read stands in it as an <see cref="UnreadableEvent"/>.</summary>
    public async Task<IReadOnlyList<RecordedEvent>> ReadStreamAsStored(Guid stream, CancellationToken ct) =>
        await reader.ReadStreamAsStored(stream, ct);

    /// <summary>
    /// The events after a position in order, at most so many; checked to be without a hole. An event that cannot be read stands in the
    /// answer as an <see cref="UnreadableEvent"/>, so that it stops its stream and not everything behind it.
    /// </summary>
    /// <exception cref="LogCorruptException">A position is missing.</exception>
    public async Task<IReadOnlyList<RecordedEvent>> ReadAfter(long after, int limit, CancellationToken ct) =>
        await reader.ReadAfter(after, limit, ct);

    /// <summary>How many streams there are.</summary>
    public Task<long> CountStreams(CancellationToken ct) => reader.CountStreams(ct);

    /// <summary>How many streams' personal data are erased: it grows with each erasure, and events read before one may read otherwise after.</summary>
    public Task<long> CountErased(CancellationToken ct) => reader.CountErased(ct);

    /// <summary>The first position that should be there and is not; null when there is none such.</summary>
    public Task<long?> FirstHole(CancellationToken ct) => reader.FirstHole(ct);

    /// <summary>The log's last position; 0 when it is empty.</summary>
    public Task<long> LastPosition(CancellationToken ct) => reader.LastPosition(ct);

    /// <summary>The last position that the log held at a time of recording, found by bisection; 0 before the first.</summary>
    public Task<long> PositionAt(DateTimeOffset recordedAt, CancellationToken ct) => reader.PositionAt(recordedAt, ct);

    /// <summary>The stream that holds a unique key; null when none does.</summary>
    public Task<Guid?> FindHolder(string scope, string key, CancellationToken ct) => reader.FindHolder(scope, key, ct);

    /// <summary>The streams that hold these unique keys, by key; a key that no stream holds is not among them.</summary>
    public async Task<IReadOnlyDictionary<string, Guid>> FindHolders(string scope, string[] keys, CancellationToken ct) =>
        await reader.FindHolders(scope, keys, ct);

    /// <summary>The ids of streams of a type in their order, after one of them: how work over all of them goes along.</summary>
    public async Task<IReadOnlyList<Guid>> ListStreams(string type, Guid after, int limit, CancellationToken ct) =>
        await reader.ListStreams(type, after, limit, ct);

    /// <summary>All events of many streams, stream by stream in order of version: one query for what an import needs of the past.</summary>
    public async Task<IReadOnlyList<RecordedEvent>> ReadStreams(Guid[] streams, CancellationToken ct) =>
        await reader.ReadStreams(streams, ct);

    /// <summary>The same as it is stored: an event that cannot be read stands in it as an <see cref="UnreadableEvent"/>.</summary>
    public async Task<IReadOnlyList<RecordedEvent>> ReadStreamsAsStored(Guid[] streams, CancellationToken ct) =>
        await reader.ReadStreamsAsStored(streams, ct);

    /// <summary>The receipt of a caller's request; null when it has not been carried out.</summary>
    public Task<StoredReceipt?> FindReceipt(string caller, string key, CancellationToken ct) => reader.FindReceipt(caller, key, ct);

    /// <summary>Forgets receipts that are older than a time.</summary>
    /// <returns>How many.</returns>
    public Task<int> PruneReceipts(DateTimeOffset olderThan, CancellationToken ct) => reader.PruneReceipts(olderThan, ct);

    /// <summary>How far a piece of work has come; null when it has not begun.</summary>
    public Task<string?> ReadBookmark(string scope, string key, CancellationToken ct) => reader.ReadBookmark(scope, key, ct);

    /// <summary>Finishes the appends under way, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        await writer.DisposeAsync();
        await streams.DisposeAsync();
    }

    // Read after the versions that the command expects: where a key has come or gone since, so has the version.
    private async Task<AppendOutcome> AppendWith(List<Guid> unknown, AppendCommand command, CancellationToken ct)
    {
        var keys = await reader.FindKeys(unknown, ct);
        return await writer.Append(PendingAppend.Encode(command, Catalog, Masters, keys, writer.NextDeadline()), ct);
    }
}

/// <summary>The database cannot be reached or did not answer in time. The command may be repeated with the same idempotency key.</summary>
public sealed class LogUnavailableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether it is certain that nothing was appended; otherwise the outcome is unknown.</summary>
    public bool NothingAppended { get; init; }

    internal static LogUnavailableException OnReading(Exception fault) =>
        new("The log cannot be read: the database does not answer.", fault) { NothingAppended = true };
}

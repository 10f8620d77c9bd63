using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Log;

/// <summary>
/// The commands that share one transaction, as the arrays of one call of <c>crm.append_v1</c>. One batch is reused for the life of a
/// writer: its lists are emptied and filled again, and its command stays prepared.
/// </summary>
internal sealed class AppendBatch : IDisposable
{
    private readonly NpgsqlCommand command = new();
    private readonly List<Action> clears = [];
    private readonly List<PendingAppend> commands = [];
    private readonly HashSet<Guid> streams = [];
    private readonly HashSet<(string Scope, string Key)> keys = [];

    private readonly List<int> newCommand, newCount, oldCommand, oldCount, eventCommand, receiptCommand, receiptEvents, receiptStatus;
    private readonly List<int> claimCommand, releaseCommand, bookmarkCommand;
    private readonly List<Guid> newId, oldId, eventStream, eventId, claimStream, releaseStream;
    private readonly List<Guid?> receiptStream, claimFrom;
    private readonly List<long> oldExpected, eventVersion, receiptVersion;
    private readonly List<string> newType, eventType, eventDotnet, eventHeaders, receiptCaller, receiptKey, receiptTypes;
    private readonly List<string?> eventCorrelation, eventCausation, receiptBody;
    private readonly List<string> claimScope, claimKey, releaseScope, releaseKey, bookmarkScope, bookmarkKey, bookmarkValue;
    private readonly List<byte[]> eventData, receiptHash;
    private readonly List<DateTime> eventAt;
    private int bytes;

    /// <summary>An empty batch. The order here is the order of the function's parameters.</summary>
    public AppendBatch()
    {
        newCommand = Add<int>(NpgsqlDbType.Integer);
        newId = Add<Guid>(NpgsqlDbType.Uuid);
        newType = Add<string>(NpgsqlDbType.Varchar);
        newCount = Add<int>(NpgsqlDbType.Integer);
        oldCommand = Add<int>(NpgsqlDbType.Integer);
        oldId = Add<Guid>(NpgsqlDbType.Uuid);
        oldExpected = Add<long>(NpgsqlDbType.Bigint);
        oldCount = Add<int>(NpgsqlDbType.Integer);
        eventCommand = Add<int>(NpgsqlDbType.Integer);
        eventStream = Add<Guid>(NpgsqlDbType.Uuid);
        eventVersion = Add<long>(NpgsqlDbType.Bigint);
        eventId = Add<Guid>(NpgsqlDbType.Uuid);
        eventType = Add<string>(NpgsqlDbType.Varchar);
        eventDotnet = Add<string>(NpgsqlDbType.Varchar);
        eventData = Add<byte[]>(NpgsqlDbType.Jsonb);
        eventAt = Add<DateTime>(NpgsqlDbType.TimestampTz);
        eventCorrelation = Add<string?>(NpgsqlDbType.Varchar);
        eventCausation = Add<string?>(NpgsqlDbType.Varchar);
        eventHeaders = Add<string>(NpgsqlDbType.Text);
        receiptCommand = Add<int>(NpgsqlDbType.Integer);
        receiptEvents = Add<int>(NpgsqlDbType.Integer);
        receiptCaller = Add<string>(NpgsqlDbType.Text);
        receiptKey = Add<string>(NpgsqlDbType.Text);
        receiptHash = Add<byte[]>(NpgsqlDbType.Bytea);
        receiptStatus = Add<int>(NpgsqlDbType.Integer);
        receiptStream = Add<Guid?>(NpgsqlDbType.Uuid);
        receiptVersion = Add<long>(NpgsqlDbType.Bigint);
        receiptTypes = Add<string>(NpgsqlDbType.Text);
        receiptBody = Add<string?>(NpgsqlDbType.Text);
        claimCommand = Add<int>(NpgsqlDbType.Integer);
        claimScope = Add<string>(NpgsqlDbType.Text);
        claimKey = Add<string>(NpgsqlDbType.Text);
        claimStream = Add<Guid>(NpgsqlDbType.Uuid);
        claimFrom = Add<Guid?>(NpgsqlDbType.Uuid);
        releaseCommand = Add<int>(NpgsqlDbType.Integer);
        releaseScope = Add<string>(NpgsqlDbType.Text);
        releaseKey = Add<string>(NpgsqlDbType.Text);
        releaseStream = Add<Guid>(NpgsqlDbType.Uuid);
        bookmarkCommand = Add<int>(NpgsqlDbType.Integer);
        bookmarkScope = Add<string>(NpgsqlDbType.Text);
        bookmarkKey = Add<string>(NpgsqlDbType.Text);
        bookmarkValue = Add<string>(NpgsqlDbType.Text);
        command.CommandText =
            $"select base, recorded, failures::text from crm.append_v1({string.Join(", ", Enumerable.Range(1, clears.Count).Select(place => $"${place}"))})";
    }

    /// <summary>The commands of this batch in the order in which they are appended.</summary>
    public IReadOnlyList<PendingAppend> Commands => commands;

    /// <summary>Whether it should take no further command.</summary>
    public bool IsFull(EventLogOptions limits) =>
        commands.Count >= limits.MaxCommands || eventId.Count >= limits.MaxEvents || bytes >= limits.MaxBytes || commands is [{ Alone: true }];

    /// <summary>Adds a command, unless it touches what a command of this batch touches: then it waits for the next.</summary>
    public bool TryAdd(PendingAppend pending)
    {
        var added = pending.Command;
        if ((pending.Alone && commands.Count > 0) || Touches(added))
        {
            return false;
        }

        var number = commands.Count;
        commands.Add(pending);
        bytes += pending.Bytes;
        AddStreams(number, added);
        AddEvents(number, pending.Events);
        AddKeys(number, added);
        if (added.Receipt is { } receipt)
        {
            AddReceipt(number, receipt);
        }

        if (added.Bookmark is { } bookmark)
        {
            bookmarkCommand.Add(number);
            bookmarkScope.Add(bookmark.Scope);
            bookmarkKey.Add(bookmark.Key);
            bookmarkValue.Add(bookmark.Value);
        }

        return true;
    }

    /// <summary>Makes the batch ready for a connection that has just been opened.</summary>
    public void Prepare(NpgsqlConnection connection, TimeSpan timeout)
    {
        command.Connection = connection;
        command.CommandTimeout = (int)Math.Ceiling(timeout.TotalSeconds);
        command.Prepare();
    }

    /// <summary>Appends it: one round trip, one transaction.</summary>
    public BatchResult Run()
    {
        using var reader = command.ExecuteReader();
        reader.Read();
        var result = new BatchResult(
            reader.GetInt64(0),
            reader.GetFieldValue<DateTimeOffset>(1),
            reader.IsDBNull(2) ? null : reader.GetString(2));
        // Only the end of the protocol's answer says that the transaction has committed.
        reader.NextResult();
        return result;
    }

    /// <summary>Empties it.</summary>
    public void Clear()
    {
        commands.Clear();
        streams.Clear();
        keys.Clear();
        bytes = 0;
        foreach (var clear in clears)
        {
            clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => command.Dispose();

    private bool Touches(AppendCommand added)
    {
        foreach (var stream in added.Streams)
        {
            if (streams.Contains(stream.StreamId))
            {
                return true;
            }
        }

        return keys.Count > 0 && Keys(added).Any(keys.Contains);
    }

    // Receipts and bookmarks share one set with unique keys: a NUL, which no key can hold, keeps the three apart.
    private static IEnumerable<(string Scope, string Key)> Keys(AppendCommand added)
    {
        foreach (var key in added.Claims)
        {
            yield return (key.Scope, key.Key);
        }

        foreach (var key in added.Releases)
        {
            yield return (key.Scope, key.Key);
        }

        if (added.Receipt is { } receipt)
        {
            yield return ("\0receipt" + receipt.Caller, receipt.Key);
        }

        if (added.Bookmark is { } bookmark)
        {
            yield return ("\0bookmark" + bookmark.Scope, bookmark.Key);
        }
    }

    private void AddStreams(int number, AppendCommand added)
    {
        foreach (var stream in added.Streams)
        {
            streams.Add(stream.StreamId);
            if (stream is { ExpectedVersion: 0, Events.Count: > 0 })
            {
                newCommand.Add(number);
                newId.Add(stream.StreamId);
                newType.Add(stream.StreamType);
                newCount.Add(stream.Events.Count);
            }
            else
            {
                oldCommand.Add(number);
                oldId.Add(stream.StreamId);
                oldExpected.Add(stream.ExpectedVersion);
                oldCount.Add(stream.Events.Count);
            }
        }
    }

    private void AddEvents(int number, EncodedEvent[] events)
    {
        foreach (var encoded in events)
        {
            eventCommand.Add(number);
            eventStream.Add(encoded.Stream);
            eventVersion.Add(encoded.Version);
            eventId.Add(encoded.Event.Id);
            eventType.Add(encoded.Entry.Name);
            eventDotnet.Add(encoded.Entry.DotNetType);
            eventData.Add(encoded.Json);
            eventAt.Add(encoded.Event.At.UtcDateTime);
            eventCorrelation.Add(encoded.Envelope.CorrelationId);
            eventCausation.Add(encoded.Envelope.CausationId);
            eventHeaders.Add(encoded.Headers);
        }
    }

    private void AddKeys(int number, AppendCommand added)
    {
        foreach (var key in Keys(added))
        {
            keys.Add(key);
        }

        foreach (var claim in added.Claims)
        {
            claimCommand.Add(number);
            claimScope.Add(claim.Scope);
            claimKey.Add(claim.Key);
            claimStream.Add(claim.StreamId);
            claimFrom.Add(added.Releases.FirstOrDefault(released => IsSame(released, claim))?.StreamId);
        }

        // A key that passes from one stream to another in one command is claimed only.
        foreach (var release in added.Releases.Where(released => !added.Claims.Any(claim => IsSame(released, claim))))
        {
            releaseCommand.Add(number);
            releaseScope.Add(release.Scope);
            releaseKey.Add(release.Key);
            releaseStream.Add(release.StreamId);
        }
    }

    private static bool IsSame(UniqueKey one, UniqueKey other) => one.Scope == other.Scope && one.Key == other.Key;

    private void AddReceipt(int number, Receipt receipt)
    {
        receiptCommand.Add(number);
        receiptEvents.Add(eventId.Count);
        receiptCaller.Add(receipt.Caller);
        receiptKey.Add(receipt.Key);
        receiptHash.Add(receipt.RequestHash);
        receiptStatus.Add(receipt.Status);
        receiptStream.Add(receipt.StreamId);
        receiptVersion.Add(receipt.Version);
        receiptTypes.Add(string.Join(' ', receipt.EventTypes));
        receiptBody.Add(receipt.Body);
    }

    private List<T> Add<T>(NpgsqlDbType element)
    {
        var values = new List<T>();
        command.Parameters.Add(new NpgsqlParameter<List<T>> { TypedValue = values, NpgsqlDbType = NpgsqlDbType.Array | element });
        clears.Add(values.Clear);
        return values;
    }
}

/// <summary>What the database answered to a batch.</summary>
/// <param name="Base">The position before the batch's first event.</param>
/// <param name="RecordedAt">When it was recorded.</param>
/// <param name="Failures">JSON: what failed, the first entry of a command being its outcome; null when all went well.</param>
internal readonly record struct BatchResult(long Base, DateTimeOffset RecordedAt, string? Failures);

using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Log;

/// <summary>
/// The arrays of one call of <c>crm.append_v1</c>, one for each of its parameters. They are emptied and filled again for the life of a
/// writer, and the command stays prepared.
/// </summary>
internal sealed class AppendArrays : IDisposable
{
    private readonly NpgsqlCommand command = new();
    private readonly List<Action> clears = [];

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

    /// <summary>Empty arrays. The order here is the order of the function's parameters.</summary>
    public AppendArrays()
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
            "select base, recorded, failures::text from crm.append_v1("
            + string.Join(", ", Enumerable.Range(1, clears.Count).Select(place => $"${place}")) + ")";
    }

    /// <summary>How many events there are.</summary>
    public int Events => eventId.Count;

    /// <summary>A stream that a command begins, goes on with, or only checks.</summary>
    public void Add(int number, StreamAppend stream)
    {
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

    /// <summary>A command's next event.</summary>
    public void Add(int number, in EncodedEvent encoded)
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

    /// <summary>A command's receipt, after all of its events.</summary>
    public void Add(int number, Receipt receipt)
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

    /// <summary>A key that a command claims, and the stream that gives it up in the same command.</summary>
    public void AddClaim(int number, UniqueKey claim, Guid? from)
    {
        claimCommand.Add(number);
        claimScope.Add(claim.Scope);
        claimKey.Add(claim.Key);
        claimStream.Add(claim.StreamId);
        claimFrom.Add(from);
    }

    /// <summary>A key that a command gives up.</summary>
    public void AddRelease(int number, UniqueKey release)
    {
        releaseCommand.Add(number);
        releaseScope.Add(release.Scope);
        releaseKey.Add(release.Key);
        releaseStream.Add(release.StreamId);
    }

    /// <summary>How far a command has come.</summary>
    public void Add(int number, Bookmark bookmark)
    {
        bookmarkCommand.Add(number);
        bookmarkScope.Add(bookmark.Scope);
        bookmarkKey.Add(bookmark.Key);
        bookmarkValue.Add(bookmark.Value);
    }

    /// <summary>Makes the call ready for a connection that has just been opened.</summary>
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

    /// <summary>Empties all of them.</summary>
    public void Clear()
    {
        foreach (var clear in clears)
        {
            clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => command.Dispose();

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

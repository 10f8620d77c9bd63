using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Log;

/// <summary>The call of <c>crm.append_v4</c>: any commands, and an outcome for each.</summary>
internal sealed class AppendWithOutcomes : IDisposable
{
    private readonly ArrayCall call = new();

    private readonly List<int> newCommand, newCount, oldCommand, oldCount, eventCommand, receiptCommand, receiptEvents, receiptStatus;
    private readonly List<int> claimCommand, releaseCommand, bookmarkCommand, keyCommand, eraseCommand;
    private readonly List<Guid> newId, oldId, eventStream, eventId, claimStream, releaseStream, keyStream, eraseStream;
    private readonly List<Guid?> receiptStream, claimFrom;
    private readonly List<long> oldExpected, eventVersion, receiptVersion;
    private readonly List<string> newType, eventType, eventDotnet, eventHeaders, receiptCaller, receiptKey, receiptTypes;
    private readonly List<string?> eventCorrelation, eventCausation, receiptBody;
    private readonly List<string> claimScope, claimKey, releaseScope, releaseKey, bookmarkScope, bookmarkKey, bookmarkValue, keyMaster;
    private readonly List<byte[]> eventData, receiptHash, keyWrapped;
    private readonly List<DateTime> eventAt;

    /// <summary>Empty arrays. The order here is the order of the function's parameters.</summary>
    public AppendWithOutcomes()
    {
        newCommand = call.Add<int>(NpgsqlDbType.Integer);
        newId = call.Add<Guid>(NpgsqlDbType.Uuid);
        newType = call.Add<string>(NpgsqlDbType.Varchar);
        newCount = call.Add<int>(NpgsqlDbType.Integer);
        oldCommand = call.Add<int>(NpgsqlDbType.Integer);
        oldId = call.Add<Guid>(NpgsqlDbType.Uuid);
        oldExpected = call.Add<long>(NpgsqlDbType.Bigint);
        oldCount = call.Add<int>(NpgsqlDbType.Integer);
        eventCommand = call.Add<int>(NpgsqlDbType.Integer);
        eventStream = call.Add<Guid>(NpgsqlDbType.Uuid);
        eventVersion = call.Add<long>(NpgsqlDbType.Bigint);
        eventId = call.Add<Guid>(NpgsqlDbType.Uuid);
        eventType = call.Add<string>(NpgsqlDbType.Varchar);
        eventDotnet = call.Add<string>(NpgsqlDbType.Varchar);
        eventData = call.Add<byte[]>(NpgsqlDbType.Jsonb);
        eventAt = call.Add<DateTime>(NpgsqlDbType.TimestampTz);
        eventCorrelation = call.Add<string?>(NpgsqlDbType.Varchar);
        eventCausation = call.Add<string?>(NpgsqlDbType.Varchar);
        eventHeaders = call.Add<string>(NpgsqlDbType.Text);
        receiptCommand = call.Add<int>(NpgsqlDbType.Integer);
        receiptEvents = call.Add<int>(NpgsqlDbType.Integer);
        receiptCaller = call.Add<string>(NpgsqlDbType.Text);
        receiptKey = call.Add<string>(NpgsqlDbType.Text);
        receiptHash = call.Add<byte[]>(NpgsqlDbType.Bytea);
        receiptStatus = call.Add<int>(NpgsqlDbType.Integer);
        receiptStream = call.Add<Guid?>(NpgsqlDbType.Uuid);
        receiptVersion = call.Add<long>(NpgsqlDbType.Bigint);
        receiptTypes = call.Add<string>(NpgsqlDbType.Text);
        receiptBody = call.Add<string?>(NpgsqlDbType.Text);
        claimCommand = call.Add<int>(NpgsqlDbType.Integer);
        claimScope = call.Add<string>(NpgsqlDbType.Text);
        claimKey = call.Add<string>(NpgsqlDbType.Text);
        claimStream = call.Add<Guid>(NpgsqlDbType.Uuid);
        claimFrom = call.Add<Guid?>(NpgsqlDbType.Uuid);
        releaseCommand = call.Add<int>(NpgsqlDbType.Integer);
        releaseScope = call.Add<string>(NpgsqlDbType.Text);
        releaseKey = call.Add<string>(NpgsqlDbType.Text);
        releaseStream = call.Add<Guid>(NpgsqlDbType.Uuid);
        bookmarkCommand = call.Add<int>(NpgsqlDbType.Integer);
        bookmarkScope = call.Add<string>(NpgsqlDbType.Text);
        bookmarkKey = call.Add<string>(NpgsqlDbType.Text);
        bookmarkValue = call.Add<string>(NpgsqlDbType.Text);
        keyCommand = call.Add<int>(NpgsqlDbType.Integer);
        keyStream = call.Add<Guid>(NpgsqlDbType.Uuid);
        keyWrapped = call.Add<byte[]>(NpgsqlDbType.Bytea);
        keyMaster = call.Add<string>(NpgsqlDbType.Text);
        eraseCommand = call.Add<int>(NpgsqlDbType.Integer);
        eraseStream = call.Add<Guid>(NpgsqlDbType.Uuid);
        call.Ask("base, recorded, failures::text", "crm.append_v4");
    }

    /// <summary>Makes the call ready for a connection that has just been opened.</summary>
    public void Prepare(NpgsqlConnection connection, TimeSpan timeout) => call.Prepare(connection, timeout);

    /// <summary>Appends what can be appended: one round trip, one transaction.</summary>
    public BatchResult Run(IReadOnlyList<PendingAppend> commands)
    {
        call.Clear();
        for (var number = 0; number < commands.Count; number++)
        {
            Add(number, commands[number]);
        }

        return call.Run(static row => new BatchResult(
            row.GetInt64(0), row.GetFieldValue<DateTimeOffset>(1), row.IsDBNull(2) ? null : row.GetString(2)));
    }

    /// <inheritdoc/>
    public void Dispose() => call.Dispose();

    private void Add(int number, PendingAppend pending)
    {
        foreach (var stream in pending.Command.Streams)
        {
            Add(number, stream);
        }

        foreach (var encoded in pending.Events)
        {
            Add(number, encoded);
        }

        AddKeys(number, pending.Command);
        foreach (var key in pending.Keys)
        {
            keyCommand.Add(number);
            keyStream.Add(key.Stream);
            keyWrapped.Add(key.Wrapped);
            keyMaster.Add(key.Master);
        }

        foreach (var stream in pending.Command.Erases)
        {
            eraseCommand.Add(number);
            eraseStream.Add(stream);
        }
    }

    private void AddKeys(int number, AppendCommand added)
    {
        foreach (var claim in added.Claims)
        {
            AddClaim(number, claim, added.Releases.FirstOrDefault(released => IsSame(released, claim))?.StreamId);
        }

        // A key that passes from one stream to another in one command is claimed only.
        foreach (var release in added.Releases.Where(released => !added.Claims.Any(claim => IsSame(released, claim))))
        {
            AddRelease(number, release);
        }

        if (added.Receipt is { } receipt)
        {
            Add(number, receipt);
        }

        if (added.Bookmark is { } bookmark)
        {
            Add(number, bookmark);
        }
    }

    private void Add(int number, StreamAppend stream)
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

    private void Add(int number, in EncodedEvent encoded)
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

    private void Add(int number, Receipt receipt)
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

    private void AddClaim(int number, UniqueKey claim, Guid? from)
    {
        claimCommand.Add(number);
        claimScope.Add(claim.Scope);
        claimKey.Add(claim.Key);
        claimStream.Add(claim.StreamId);
        claimFrom.Add(from);
    }

    private void AddRelease(int number, UniqueKey release)
    {
        releaseCommand.Add(number);
        releaseScope.Add(release.Scope);
        releaseKey.Add(release.Key);
        releaseStream.Add(release.StreamId);
    }

    private void Add(int number, Bookmark bookmark)
    {
        bookmarkCommand.Add(number);
        bookmarkScope.Add(bookmark.Scope);
        bookmarkKey.Add(bookmark.Key);
        bookmarkValue.Add(bookmark.Value);
    }

    private static bool IsSame(UniqueKey one, UniqueKey other) => one.Scope == other.Scope && one.Key == other.Key;
}

/// <summary>What the database answered to a batch.</summary>
/// <param name="Base">The position before the batch's first event.</param>
/// <param name="RecordedAt">When it was recorded.</param>
/// <param name="Failures">JSON: what failed, the first entry of a command being its outcome; null when all went well.</param>
internal readonly record struct BatchResult(long Base, DateTimeOffset RecordedAt, string? Failures);

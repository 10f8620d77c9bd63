using System.Runtime.InteropServices;
using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Log;

/// <summary>
/// The call of <c>crm.append_v3</c>: commands of the common kind, all of them or none. It costs the server about half of what
/// <see cref="AppendWithOutcomes"/> does, because nothing is told apart.
/// </summary>
internal sealed class AppendAtOnce : IDisposable
{
    private readonly ArrayCall call = new();

    private readonly List<Guid> newId, oldId, eventStream, eventId, claimStream, keyStream;
    private readonly List<Guid?> receiptStream;
    private readonly List<long> newVersion, oldExpected, oldVersion, eventVersion, receiptVersion;
    private readonly List<int> receiptEvents, receiptStatus;
    private readonly List<string> newType, eventType, eventDotnet, eventHeaders, receiptCaller, receiptKey, receiptTypes;
    private readonly List<string> claimScope, claimKey, keyMaster;
    private readonly List<string?> eventCorrelation, eventCausation, receiptBody;
    private readonly List<byte[]> eventData, receiptHash, keyWrapped;
    private readonly List<DateTime> eventAt;

    /// <summary>Empty arrays. The order here is the order of the function's parameters.</summary>
    public AppendAtOnce()
    {
        newId = call.Add<Guid>(NpgsqlDbType.Uuid);
        newType = call.Add<string>(NpgsqlDbType.Varchar);
        newVersion = call.Add<long>(NpgsqlDbType.Bigint);
        oldId = call.Add<Guid>(NpgsqlDbType.Uuid);
        oldExpected = call.Add<long>(NpgsqlDbType.Bigint);
        oldVersion = call.Add<long>(NpgsqlDbType.Bigint);
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
        receiptEvents = call.Add<int>(NpgsqlDbType.Integer);
        receiptCaller = call.Add<string>(NpgsqlDbType.Text);
        receiptKey = call.Add<string>(NpgsqlDbType.Text);
        receiptHash = call.Add<byte[]>(NpgsqlDbType.Bytea);
        receiptStatus = call.Add<int>(NpgsqlDbType.Integer);
        receiptStream = call.Add<Guid?>(NpgsqlDbType.Uuid);
        receiptVersion = call.Add<long>(NpgsqlDbType.Bigint);
        receiptTypes = call.Add<string>(NpgsqlDbType.Text);
        receiptBody = call.Add<string?>(NpgsqlDbType.Text);
        claimScope = call.Add<string>(NpgsqlDbType.Text);
        claimKey = call.Add<string>(NpgsqlDbType.Text);
        claimStream = call.Add<Guid>(NpgsqlDbType.Uuid);
        keyStream = call.Add<Guid>(NpgsqlDbType.Uuid);
        keyWrapped = call.Add<byte[]>(NpgsqlDbType.Bytea);
        keyMaster = call.Add<string>(NpgsqlDbType.Text);
        call.Ask("base, recorded", "crm.append_v3");
    }

    /// <summary>Whether a command is of the common kind.</summary>
    public static bool Takes(AppendCommand command)
    {
        if (command.Releases.Count > 0 || command.Erases.Count > 0 || command.Bookmark is not null)
        {
            return false;
        }

        foreach (var stream in command.Streams)
        {
            if (stream.Events.Count == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Makes the call ready for a connection that has just been opened.</summary>
    public void Prepare(NpgsqlConnection connection, TimeSpan timeout) => call.Prepare(connection, timeout);

    /// <summary>Appends them: one round trip, one transaction.</summary>
    /// <returns>Null when something stood in the way of one of them; nothing was done then.</returns>
    public BatchResult? Run(List<PendingAppend> commands)
    {
        call.Clear();
        foreach (var pending in CollectionsMarshal.AsSpan(commands))
        {
            foreach (var stream in pending.Command.Streams)
            {
                Add(stream);
            }

            foreach (ref readonly var encoded in pending.Events.AsSpan())
            {
                Add(encoded);
            }

            if (pending.Command.Receipt is { } receipt)
            {
                Add(receipt);
            }

            foreach (var claim in pending.Command.Claims)
            {
                claimScope.Add(claim.Scope);
                claimKey.Add(claim.Key);
                claimStream.Add(claim.StreamId);
            }

            foreach (var key in pending.Keys)
            {
                keyStream.Add(key.Stream);
                keyWrapped.Add(key.Wrapped);
                keyMaster.Add(key.Master);
            }
        }

        return call.Run(static row => row.IsDBNull(0)
            ? (BatchResult?)null
            : new BatchResult(row.GetInt64(0), row.GetFieldValue<DateTimeOffset>(1), Failures: null));
    }

    /// <inheritdoc/>
    public void Dispose() => call.Dispose();

    private void Add(StreamAppend stream)
    {
        if (stream.ExpectedVersion == 0)
        {
            newId.Add(stream.StreamId);
            newType.Add(stream.StreamType);
            newVersion.Add(stream.Events.Count);
        }
        else
        {
            oldId.Add(stream.StreamId);
            oldExpected.Add(stream.ExpectedVersion);
            oldVersion.Add(stream.ExpectedVersion + stream.Events.Count);
        }
    }

    private void Add(in EncodedEvent encoded)
    {
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

    // After all events of its command.
    private void Add(Receipt receipt)
    {
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
}

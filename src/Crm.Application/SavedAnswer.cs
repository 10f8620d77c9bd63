using System.Text.Json;
using System.Text.Json.Serialization;
using Crm.Domain;
using Crm.EventStore.Log;

namespace Crm.Application;

/// <summary>How a command's answer is kept in its receipt and read back.</summary>
public static partial class SavedAnswer
{
    /// <summary>The HTTP status of a refusal.</summary>
    public static int StatusOf(RefusalKind kind) => kind switch
    {
        RefusalKind.Conflict => 409,
        RefusalKind.NotFound => 404,
        RefusalKind.Invalid => 422,
        RefusalKind.Forbidden => 403,
    };

    internal static Receipt Of(IdempotencyKey request, CommandResult.Done done) =>
        new(request.Caller, request.Key, request.RequestHash, done.Created ? 201 : 200, done.Id, done.Version, done.EventTypes, Body: null);

    internal static Receipt Of(IdempotencyKey request, Guid id, long version, Refusal refusal) => new(
        request.Caller, request.Key, request.RequestHash, StatusOf(refusal.Kind), id, version, [],
        JsonSerializer.Serialize(refusal, RefusalJson.Default.Refusal));

    internal static CommandResult Replay(StoredReceipt stored, IdempotencyKey request)
    {
        var receipt = stored.Receipt;
        if (!receipt.RequestHash.AsSpan().SequenceEqual(request.RequestHash))
        {
            return new CommandResult.KeyReused();
        }

        if (receipt.Body is null)
        {
            return new CommandResult.Done(
                receipt.StreamId ?? throw new LogCorruptException("A command's receipt names no stream."),
                receipt.Version, stored.Position, receipt.EventTypes, receipt.Status == 201)
            { Replayed = true };
        }

        var refusal = JsonSerializer.Deserialize(receipt.Body, RefusalJson.Default.Refusal)
            ?? throw new LogCorruptException("A refused command's receipt does not say why.");
        return new CommandResult.Refused(refusal) { Replayed = true };
    }

    [JsonSourceGenerationOptions(UseStringEnumConverter = true)]
    [JsonSerializable(typeof(Refusal))]
    private sealed partial class RefusalJson : JsonSerializerContext;
}

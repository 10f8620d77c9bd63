using System.Text.Json;
using System.Text.Json.Serialization;

namespace Crm.EventStore.Log;

/// <summary>Why a command of a batch was not appended, as the database says it.</summary>
internal sealed record BatchFailure(
    int Command,
    string Outcome,
    Guid Stream = default,
    long Expected = 0,
    long Actual = 0,
    string Scope = "",
    string Key = "",
    Guid Holder = default)
{
    /// <summary>Somebody else holds a stream's row: to be tried again.</summary>
    public bool IsBusy => Outcome == "busy";

    /// <summary>Reads what failed, by the command's number; null when nothing did.</summary>
    public static Dictionary<int, BatchFailure>? Parse(string? json)
    {
        if (json is null)
        {
            return null;
        }

        var failures = new Dictionary<int, BatchFailure>();
        foreach (var failure in JsonSerializer.Deserialize(json, BatchFailureJson.Default.ListBatchFailure) ?? [])
        {
            failures.TryAdd(failure.Command, failure);
        }

        return failures;
    }

    /// <summary>The outcome for the sender; null when the receipt, which stands in the database, says it.</summary>
    public AppendOutcome? ToConflict(AppendCommand command) => Outcome switch
    {
        "version" => new AppendOutcome.VersionConflict(Stream, Expected, Actual),
        "key" => new AppendOutcome.KeyTaken(command.Claims.First(claim => claim.Scope == Scope && claim.Key == Key), Holder),
        "done" => null,
        _ => throw new LogCorruptException($"The database answered an append with an outcome that this program does not know: {Outcome}."),
    };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(List<BatchFailure>))]
internal sealed partial class BatchFailureJson : JsonSerializerContext;

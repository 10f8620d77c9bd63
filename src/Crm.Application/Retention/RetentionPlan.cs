using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Crm.Application.Retention;

/// <summary>
/// What a dry run found, as it is kept: a run carries out what was due by these rules, at this time, on the log up to this position, and
/// nothing else.
/// </summary>
/// <param name="Id">The operation that its events belong to.</param>
/// <param name="Rules">The rules.</param>
/// <param name="At">The time of the dry run.</param>
/// <param name="Position">The log's last position then.</param>
/// <param name="Leads">Leads looked at.</param>
/// <param name="Archive">Leads to put away.</param>
/// <param name="Erase">Persons to erase.</param>
public sealed record RetentionPlan(Guid Id, RetentionRules Rules, DateTimeOffset At, long Position, long Leads, long Archive, long Erase)
{
    /// <summary>For how long a dry run answers for a run.</summary>
    public static TimeSpan Holds { get; } = TimeSpan.FromDays(7);

    /// <summary>The operation's name in the events.</summary>
    [JsonIgnore]
    public string Operation => Id.ToString();

    /// <summary>Why a run may not carry it out; null when it may.</summary>
    /// <param name="rules">The rules as they are set now.</param>
    /// <param name="now">The time of the run.</param>
    /// <param name="last">The log's last position.</param>
    public string? Fault(RetentionRules rules, DateTimeOffset now, long last) =>
        Rules != rules ? $"The last dry run was of other rules ({Rules.Key}) than are set now ({rules.Key})."
        : now - At > Holds || At > now ? string.Create(
            CultureInfo.InvariantCulture, $"The last dry run is of {At.UtcDateTime:u}: one of the last {Holds.TotalDays:F0} days is needed.")
        : Position > last ? string.Create(
            CultureInfo.InvariantCulture, $"The last dry run was of another log: it saw position {Position:N0}, and this one ends at {last:N0}.")
        : null;

    /// <summary>As a bookmark keeps it.</summary>
    internal string Text => JsonSerializer.Serialize(this, RetentionJson.Default.RetentionPlan);

    /// <summary>From what a bookmark kept.</summary>
    internal static RetentionPlan? Of(string text) => JsonSerializer.Deserialize(text, RetentionJson.Default.RetentionPlan);
}

/// <summary>The JSON of what is kept of dry runs.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, IgnoreReadOnlyProperties = true)]
[JsonSerializable(typeof(RetentionPlan))]
internal sealed partial class RetentionJson : JsonSerializerContext;

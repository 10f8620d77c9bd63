using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Crm.Domain.Access;
using Crm.Domain.ApiKeys;
using Crm.Domain.Leads;
using Crm.Domain.Teams;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>What the audit trail remembers of a stream: its state, with which the next event's changes are told.</summary>
/// <param name="StreamId">The stream.</param>
/// <param name="Lead">The lead; null for another kind of stream.</param>
/// <param name="User">The user; null for another kind of stream.</param>
public sealed record AuditMemory(Guid StreamId, Lead? Lead, User? User);

/// <summary>One event of the audit trail: who did what, when, why, and field by field what it changed.</summary>
/// <param name="Position">The event's position in the log.</param>
/// <param name="StreamId">The stream.</param>
/// <param name="StreamType">The stream's type: <c>lead</c>, <c>user</c>, <c>team</c>, <c>access</c> or <c>api-key</c>.</param>
/// <param name="Version">The event's version in the stream.</param>
/// <param name="Type">The event's stored name.</param>
/// <param name="At">When it happened.</param>
/// <param name="RecordedAt">When the log took it.</param>
/// <param name="Actor">Who did it.</param>
/// <param name="OnBehalfOf">For whom.</param>
/// <param name="Reason">Why: as the request said, else as the event itself says.</param>
/// <param name="OperationId">The operation that it is part of.</param>
/// <param name="CorrelationId">The request or workflow that it belongs to.</param>
/// <param name="CausationId">What directly caused it.</param>
/// <param name="ApiKeyId">The API key that was used.</param>
/// <param name="Changes">What it changed, as a JSON array of field, from and to.</param>
/// <param name="Erased">Whether personal data that stood in it are erased.</param>
public sealed record AuditEntry(
    long Position,
    Guid StreamId,
    string StreamType,
    long Version,
    string Type,
    DateTimeOffset At,
    DateTimeOffset RecordedAt,
    string? Actor,
    string? OnBehalfOf,
    string? Reason,
    string? OperationId,
    string? CorrelationId,
    string? CausationId,
    string? ApiKeyId,
    [property: JsonConverter(typeof(JsonTextConverter))] string Changes,
    bool Erased);

/// <summary>Writes text that is JSON as the JSON it is.</summary>
public sealed class JsonTextConverter : JsonConverter<string>
{
    /// <inheritdoc/>
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var json = JsonDocument.ParseValue(ref reader);
        return json.RootElement.GetRawText();
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value, skipInputValidation: true);
}

/// <summary>The audit trail: every event of every stream.</summary>
public sealed partial class AuditTrail : Projection<AuditMemory, AuditEntry>
{
    /// <inheritdoc/>
    public override string Name => "audit_trail";

    /// <inheritdoc/>
    public override int Revision => 3;

    /// <inheritdoc/>
    public override StateTable<AuditMemory>? States { get; } = new()
    {
        Name = "audit_streams",
        Columns =
        [
            ReadTable<AuditMemory>.Column("stream_id", "uuid not null", NpgsqlDbType.Uuid, memory => memory.StreamId),
            ReadTable<AuditMemory>.Column("lead", "jsonb", NpgsqlDbType.Jsonb, memory => Json(memory.Lead)),
            ReadTable<AuditMemory>.Column("app_user", "jsonb", NpgsqlDbType.Jsonb, memory => Json(memory.User)),
        ],
        PrimaryKey = "stream_id",
        StreamColumn = "stream_id",
        StreamOf = memory => memory.StreamId,
        Read = reader => new AuditMemory(
            reader.GetGuid(0),
            reader.IsDBNull(1) ? null : JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(1), AuditJson.Default.Lead),
            reader.IsDBNull(2) ? null : JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(2), AuditJson.Default.User)),
    };

    /// <inheritdoc/>
    public override ReadTable<AuditEntry>? Entries { get; } = new()
    {
        Name = "audit_trail",
        Columns =
        [
            ReadTable<AuditEntry>.Column("position", "bigint not null", NpgsqlDbType.Bigint, entry => entry.Position),
            ReadTable<AuditEntry>.Column("stream_id", "uuid not null", NpgsqlDbType.Uuid, entry => entry.StreamId),
            ReadTable<AuditEntry>.Column("stream_type", "text not null", NpgsqlDbType.Text, entry => entry.StreamType),
            ReadTable<AuditEntry>.Column("version", "bigint not null", NpgsqlDbType.Bigint, entry => entry.Version),
            ReadTable<AuditEntry>.Column("type", "text not null", NpgsqlDbType.Text, entry => entry.Type),
            ReadTable<AuditEntry>.Column("at", "timestamptz not null", NpgsqlDbType.TimestampTz, entry => entry.At),
            ReadTable<AuditEntry>.Column("recorded_at", "timestamptz not null", NpgsqlDbType.TimestampTz, entry => entry.RecordedAt),
            ReadTable<AuditEntry>.Column("actor", "text", NpgsqlDbType.Text, entry => entry.Actor),
            ReadTable<AuditEntry>.Column("on_behalf_of", "text", NpgsqlDbType.Text, entry => entry.OnBehalfOf),
            ReadTable<AuditEntry>.Column("reason", "text", NpgsqlDbType.Text, entry => entry.Reason),
            ReadTable<AuditEntry>.Column("operation_id", "text", NpgsqlDbType.Text, entry => entry.OperationId),
            ReadTable<AuditEntry>.Column("correlation_id", "text", NpgsqlDbType.Text, entry => entry.CorrelationId),
            ReadTable<AuditEntry>.Column("causation_id", "text", NpgsqlDbType.Text, entry => entry.CausationId),
            ReadTable<AuditEntry>.Column("api_key_id", "text", NpgsqlDbType.Text, entry => entry.ApiKeyId),
            ReadTable<AuditEntry>.Column("changes", "jsonb not null", NpgsqlDbType.Jsonb, entry => entry.Changes),
            ReadTable<AuditEntry>.Column("is_erased", "boolean not null", NpgsqlDbType.Boolean, entry => entry.Erased),
        ],
        PrimaryKey = "position",
        Indexes =
        [
            ("stream", "(stream_id, position)"),
            ("actor", "(actor, position)"),
            ("type", "(type, position)"),
            ("at", "(at, position)"),
            ("operation", "(operation_id, position) where operation_id is not null"),
            ("api_key", "(api_key_id, position) where api_key_id is not null"),
            ("correlation", "(correlation_id, position) where correlation_id is not null"),
        ],
    };

    /// <inheritdoc/>
    public override bool Applies(object data) => true;

    /// <inheritdoc/>
    public override bool Rewrites(object data) => data is LeadErased;

    /// <inheritdoc/>
    public override Evolution<AuditMemory, AuditEntry> Evolve(AuditMemory? state, RecordedEvent recorded)
    {
        switch (recorded.Data)
        {
            case LeadEvent happened:
                {
                    var before = state?.Lead ?? Lead.Initial;
                    var after = Lead.Evolve(before, happened);
                    var memory = state is not null && after == before ? state : new AuditMemory(recorded.StreamId, after, null);
                    return new(memory, [Entry(recorded, "lead", Projections.Changes.Between(before, after))]);
                }

            case UserEvent happened:
                {
                    var before = state?.User ?? User.Initial;
                    var after = User.Evolve(before, happened);
                    var memory = state is not null && after == before ? state : new AuditMemory(recorded.StreamId, null, after);
                    return new(memory, [Entry(recorded, "user", Projections.Changes.Between(before, after))]);
                }

            case TeamEvent happened:
                return new(null, [Entry(recorded, "team", AuditFacts.Of(happened))]);

            case AccessEvent happened:
                return new(null, [Entry(recorded, AccessEvent.StreamType, AuditFacts.Of(happened))]);

            case ApiKeyEvent happened:
                return new(null, [Entry(recorded, "api-key", AuditFacts.Of(happened))]);

            default:
                throw new UnreachableException($"The audit trail does not know how to tell {recorded.Type}.");
        }
    }

    private static AuditEntry Entry(RecordedEvent recorded, string streamType, IReadOnlyList<FieldChange> changes) => new(
        recorded.Position,
        recorded.StreamId,
        streamType,
        recorded.Version,
        recorded.Type,
        Times.ToMicroseconds(recorded.At),
        Times.ToMicroseconds(recorded.RecordedAt),
        recorded.Envelope.Actor,
        recorded.Envelope.OnBehalfOf,
        recorded.Envelope.Reason ?? ReasonIn(recorded.Data),
        recorded.Envelope.OperationId,
        recorded.Envelope.CorrelationId,
        recorded.Envelope.CausationId,
        recorded.Envelope.ApiKeyId,
        Projections.Changes.ToJson(changes),
        recorded.IsErased);

    private static string? ReasonIn(object data) => data switch
    {
        LeadTransferred transferred => transferred.Reason,
        LeadDisqualified disqualified => disqualified.Reason,
        LeadReopened reopened => reopened.Reason,
        LeadUnconverted unconverted => unconverted.Reason,
        LeadArchived archived => archived.Reason,
        LeadUnarchived unarchived => unarchived.Reason,
        LeadRestored restored => restored.Reason,
        LeadErased erased => erased.Reason,
        LeadChangesReversed reversed => reversed.Reason,
        UserDeactivated deactivated => deactivated.Reason,
        UserActivated activated => activated.Reason,
        // Every other event says what happened, not why.
        _ => null,
    };

    private static string? Json(Lead? lead) => lead is null ? null : JsonSerializer.Serialize(lead, AuditJson.Default.Lead);

    private static string? Json(User? user) => user is null ? null : JsonSerializer.Serialize(user, AuditJson.Default.User);
}

/// <summary>How the audit trail keeps a stream's state between events.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    IgnoreReadOnlyProperties = true,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(Lead))]
[JsonSerializable(typeof(User))]
internal sealed partial class AuditJson : JsonSerializerContext;

using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Crm.Domain;
using Crm.Domain.Leads;
using Crm.Domain.Users;

namespace Crm.Projections;

/// <summary>A field that an event changed.</summary>
/// <param name="Field">The field's name, as in the API.</param>
/// <param name="From">The value before, as JSON; null where there was none.</param>
/// <param name="To">The value after, as JSON; null where there is none.</param>
[JsonConverter(typeof(FieldChangeJson))]
public sealed record FieldChange(string Field, string? From, string? To);

/// <summary>What changes between two states, field by field.</summary>
public static class Changes
{
    private static readonly JsonWriterOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The fields in which two states of a lead differ, in a fixed order.</summary>
    public static IReadOnlyList<FieldChange> Between(Lead before, Lead after)
    {
        var changes = new List<FieldChange>();
        Add(changes, "status", StatusOf(before), StatusOf(after));
        Add(changes, "archived", before.IsArchived, after.IsArchived);
        Add(changes, "erased", before.IsErased, after.IsErased);
        Add(changes, "ownerId", before.OwnerId?.ToString("D"), after.OwnerId?.ToString("D"));
        Add(changes, "assignmentOpen", before.AssignmentOpen, after.AssignmentOpen);
        if (before.Status == LeadStatus.Missing || before.Score != after.Score)
        {
            var known = before.Status != LeadStatus.Missing;
            Add(changes, "score", known ? before.Score : null, after.Score);
            Add(changes, "temperature", known ? Words.Of(before.Temperature) : null, Words.Of(after.Temperature));
        }

        Add(changes, "scoreSetByHand", before.ScoreSetByHand, after.ScoreSetByHand);
        if (!ReferenceEquals(before.Details, after.Details))
        {
            AddDetails(changes, before.Details, after.Details);
        }

        return changes;
    }

    /// <summary>The fields in which two states of a user differ, in a fixed order.</summary>
    public static IReadOnlyList<FieldChange> Between(User before, User after)
    {
        var changes = new List<FieldChange>();
        Add(changes, "name", before.Exists ? before.Name : null, after.Name);
        Add(changes, "email", before.Email, after.Email);
        Add(changes, "role", before.Exists ? RoleOf(before.Role) : null, RoleOf(after.Role));
        if (!before.Exists || before.IsActive != after.IsActive)
        {
            changes.Add(new FieldChange("active", before.Exists ? Json(before.IsActive) : null, Json(after.IsActive)));
        }

        Add(changes, "oversight", OversightOf(before.Oversight), OversightOf(after.Oversight));
        Add(changes, "issuer", before.Identity?.Issuer, after.Identity?.Issuer);
        Add(changes, "subject", before.Identity?.Subject, after.Identity?.Subject);
        return changes;
    }

    /// <summary>The changes as a JSON array of <c>{"field","from","to"}</c>, absent values left out.</summary>
    public static string ToJson(IReadOnlyList<FieldChange> changes)
    {
        if (changes is [])
        {
            return "[]";
        }

        return Written(writer =>
        {
            writer.WriteStartArray();
            foreach (var change in changes)
            {
                Write(writer, change);
            }

            writer.WriteEndArray();
        });
    }

    /// <summary>The changes of a JSON array as <see cref="ToJson"/> writes it.</summary>
    public static IReadOnlyList<FieldChange> FromJson(string json)
    {
        using var document = JsonDocument.Parse(json);
        return [.. document.RootElement.EnumerateArray().Select(Read)];
    }

    internal static void Write(Utf8JsonWriter writer, FieldChange change)
    {
        writer.WriteStartObject();
        writer.WriteString("field", change.Field);
        if (change.From is not null)
        {
            writer.WritePropertyName("from");
            writer.WriteRawValue(change.From);
        }

        if (change.To is not null)
        {
            writer.WritePropertyName("to");
            writer.WriteRawValue(change.To);
        }

        writer.WriteEndObject();
    }

    internal static FieldChange Read(JsonElement change) => new(
        change.GetProperty("field").GetString() ?? "",
        change.TryGetProperty("from", out var from) ? from.GetRawText() : null,
        change.TryGetProperty("to", out var to) ? to.GetRawText() : null);

    private static void AddDetails(List<FieldChange> changes, LeadDetails before, LeadDetails after)
    {
        Add(changes, "firstName", before.FirstName, after.FirstName);
        Add(changes, "lastName", before.LastName, after.LastName);
        Add(changes, "email", before.Email, after.Email);
        Add(changes, "phone", before.Phone, after.Phone);
        Add(changes, "company", before.Company, after.Company);
        Add(changes, "source", before.Source, after.Source);
        if (before.Value != after.Value)
        {
            changes.Add(new FieldChange("value", Json(before.Value), Json(after.Value)));
        }

        if (!before.Tags.SequenceEqual(after.Tags, StringComparer.Ordinal))
        {
            changes.Add(new FieldChange("tags", Json(before.Tags), Json(after.Tags)));
        }

        Add(changes, "externalId", before.ExternalId, after.ExternalId);
    }

    private static void Add(List<FieldChange> changes, string field, string? from, string? to)
    {
        if (from != to)
        {
            changes.Add(new FieldChange(field, Json(from), Json(to)));
        }
    }

    private static void Add(List<FieldChange> changes, string field, bool from, bool to)
    {
        if (from != to)
        {
            changes.Add(new FieldChange(field, Json(from), Json(to)));
        }
    }

    private static void Add(List<FieldChange> changes, string field, int? from, int to) =>
        changes.Add(new FieldChange(field, from is { } known ? Json(known) : null, Json(to)));

    private static string? StatusOf(Lead lead) => lead.Status == LeadStatus.Missing ? null : Words.Of(lead.Status);

    private static string RoleOf(Role role) => role switch
    {
        Role.Agent => "agent",
        Role.Manager => "manager",
        Role.Admin => "admin",
        Role.Auditor => "auditor",
        Role.Ops => "ops",
    };

    private static string OversightOf(Oversight oversight) => oversight switch
    {
        Oversight.Company => "company",
        Oversight.Teams => "teams",
    };

    private static string Json(int value) => Written(writer => writer.WriteNumberValue(value));

    private static string Json(bool value) => value ? "true" : "false";

    [return: NotNullIfNotNull(nameof(value))]
    internal static string? Json(string? value) => value is null ? null : Written(writer => writer.WriteStringValue(value));

    private static string? Json(Money? value) => value is null ? null : Written(writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("amount", value.Amount);
        writer.WriteString("currency", value.Currency);
        writer.WriteEndObject();
    });

    private static string? Json(IReadOnlyList<string> tags) => tags is [] ? null : Written(writer =>
    {
        writer.WriteStartArray();
        foreach (var tag in tags)
        {
            writer.WriteStringValue(tag);
        }

        writer.WriteEndArray();
    });

    private static string Written(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(64);
        using var writer = new Utf8JsonWriter(buffer, Readable);
        write(writer);
        writer.Flush();
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}

/// <summary>Writes a <see cref="FieldChange"/> with its values as the JSON that they are.</summary>
public sealed class FieldChangeJson : JsonConverter<FieldChange>
{
    /// <inheritdoc/>
    public override FieldChange Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        return Changes.Read(document.RootElement);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, FieldChange value, JsonSerializerOptions options) => Changes.Write(writer, value);
}

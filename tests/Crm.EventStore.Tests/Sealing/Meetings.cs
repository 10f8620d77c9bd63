using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Crm.EventStore.Log;
using Crm.EventStore.Sealing;
using Crm.Testing;
using Npgsql;

namespace Crm.EventStore.Tests.Sealing;

/// <summary>A toy event with personal members in it and in an object of it.</summary>
public sealed record Met(string Name, string? Phone, int Rank, Home? Home = null, IReadOnlyList<string>? Nicknames = null);

/// <summary>A toy value.</summary>
public sealed record Home(string? Street, string Country);

/// <summary>A toy event with nothing personal in it.</summary>
public sealed record Parted(int Minutes);

[JsonSerializable(typeof(Met))]
[JsonSerializable(typeof(Parted))]
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true)]
public sealed partial class MeetingJson : JsonSerializerContext;

/// <summary>The toy streams of the specifications of sealing.</summary>
public static class Meetings
{
    public const string Secret = "Quillfeather";

    public static PersonalMembers Personal { get; } =
        PersonalMembers.Of(MeetingJson.Default.Met, MarkOf) ?? throw new InvalidOperationException("A toy event has personal members.");

    public static EventCatalog Catalog { get; } = new(
    [
        new("met", "meeting", typeof(Met), MeetingJson.Default.Met, Personal: Personal),
        new("parted", "meeting", typeof(Parted), MeetingJson.Default.Parted, null, PersonalMembers.Of(MeetingJson.Default.Parted, MarkOf)),
    ]);

    public static Met Full { get; } =
        new($"Ada {Secret}", $"+44 {Secret} \"é\"", 7, new Home($"{Secret} Lane 1", "GB"), [$"{Secret}ette", "Q"]);

    public static Envelope Why { get; } = new("ann", Reason: $"asked by {Secret}");

    public static EventLog Open(NpgsqlDataSource database, MasterKeys? masters = null) =>
        new(database, Catalog, masters ?? TestKeys.Masters, new LogPosition());

    public static AppendCommand Append(Guid stream, long expected, params object[] events) =>
        With(new Envelope("ann"), stream, expected, events);

    public static AppendCommand With(Envelope envelope, Guid stream, long expected, params object[] events) => new(
        [new StreamAppend(stream, "meeting", expected, [.. events.Select(one => new NewEvent(Guid.NewGuid(), one, Log.Notes.Noon))])],
        envelope);

    // Not null: every toy has one.
    public static string Text(object data) => JsonSerializer.Serialize(data, MeetingJson.Default.GetTypeInfo(data.GetType())!);

    private static PersonalMark? MarkOf(JsonPropertyInfo member) => member.Name switch
    {
        "name" => new PersonalMark("[erased]"),
        "phone" or "street" or "nicknames" => new PersonalMark(null),
        _ => null,
    };
}

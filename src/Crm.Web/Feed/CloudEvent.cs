using System.Text.Json.Serialization;
using Crm.EventStore.Log;
using Crm.Web.Http;

namespace Crm.Web.Feed;

/// <summary>
/// An event of the log as other systems take it: CloudEvents 1.0. An extension of it, <c>erased</c>, stands there where personal data that
/// stood in the event are erased.
/// </summary>
public sealed record CloudEvent(
    [property: JsonPropertyName("specversion")] string SpecVersion,
    Guid Id,
    string Source,
    string Type,
    string Subject,
    DateTimeOffset Time,
    string Sequence,
    [property: JsonPropertyName("datacontenttype")] string DataContentType,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Erased,
    RawJson Data)
{
    /// <summary>A recorded event as other systems take it. The sequence is the position, as text, as CloudEvents' extension asks.</summary>
    public static CloudEvent Of(RecordedEvent recorded, EventCatalog catalog) => new(
        "1.0",
        recorded.Id,
        "/api/v1/events",
        $"crm.{recorded.Type}.v1",
        recorded.StreamId.ToString("D"),
        recorded.At,
        recorded.Position.ToString(System.Globalization.CultureInfo.InvariantCulture),
        "application/json",
        recorded.IsErased,
        new RawJson(catalog.Serialize(recorded.Data)));
}

/// <summary>A page of the change feed.</summary>
/// <param name="Items">The events in order of their positions.</param>
/// <param name="NextAfter">The position after which the next page goes on.</param>
public sealed record FeedPage(IReadOnlyList<CloudEvent> Items, long NextAfter);

/// <summary>The JSON of the change feed, source-generated.</summary>
[JsonSerializable(typeof(FeedPage))]
[JsonSerializable(typeof(CloudEvent))]
public sealed partial class FeedJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static FeedJson Wire { get; } = new(WireFormats.Options());
}

using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Crm.EventStore.Sealing;

namespace Crm.EventStore.Log;

/// <summary>Every event type that the log may hold, by its stored name, and how it is written and read.</summary>
public sealed class EventCatalog
{
    private readonly FrozenDictionary<string, Entry> byName;
    private readonly FrozenDictionary<Type, Entry> byType;
    private readonly FrozenSet<string> sealedStreams;

    /// <summary>Builds the catalog from its entries; a name or a type that stands twice is an error.</summary>
    public EventCatalog(IEnumerable<Entry> entries)
    {
        var all = entries.ToList();
        byName = all.ToFrozenDictionary(entry => entry.Name, StringComparer.Ordinal);
        byType = all.ToFrozenDictionary(entry => entry.Type);
        sealedStreams = all.Where(static entry => entry.Personal is not null).Select(static entry => entry.StreamType)
            .ToFrozenSet(StringComparer.Ordinal);
    }

    /// <summary>One event type.</summary>
    /// <param name="Name">The stored name, a literal for good.</param>
    /// <param name="StreamType">The type of the streams it stands in.</param>
    /// <param name="Type">The type of the event in this program.</param>
    /// <param name="Json">How it is written and read, source-generated.</param>
    /// <param name="Upcast">What reads an older shape; null when there never was another shape.</param>
    /// <param name="Personal">Which members are personal, and stand in the log sealed; null when none are.</param>
    public sealed record Entry(
        string Name, string StreamType, Type Type, JsonTypeInfo Json, Upcast? Upcast = null, PersonalMembers? Personal = null)
    {
        /// <summary>The .NET type as Marten stores it: <c>Namespace.Type, Assembly</c>.</summary>
        public string DotNetType { get; } = $"{Type.FullName}, {Type.Assembly.GetName().Name}";

        /// <summary>Whether the events of the stream before it read otherwise once it is there: their personal data are erased with it.</summary>
        public bool Erases { get; init; }
    }

    /// <summary>How an event is read that was once stored in another shape.</summary>
    /// <param name="Mark">A member that today's shape always has and no older one had: an event with it is read as it is.</param>
    /// <param name="ToToday">Turns the JSON of an older shape into today's.</param>
    public sealed record Upcast(string Mark, Func<JsonElement, JsonElement> ToToday)
    {
        private readonly byte[] mark = System.Text.Encoding.UTF8.GetBytes(Mark);

        internal bool IsToday(ReadOnlySpan<byte> json)
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType is not JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals(mark))
                {
                    return true;
                }

                reader.Read();
                reader.Skip();
            }

            return false;
        }
    }

    /// <summary>All entries, in no order.</summary>
    public IReadOnlyCollection<Entry> Entries => byName.Values;

    /// <summary>The entry of an event's type; a type that is not in the catalog is a bug.</summary>
    public Entry Of(object data) => byType.TryGetValue(data.GetType(), out var entry)
        ? entry
        : throw new ArgumentException($"{data.GetType().FullName} has no stored name in the event catalog.", nameof(data));

    /// <summary>The entry of a stored name; a name that no program version knows means the log cannot be read on.</summary>
    public Entry Named(string name) => byName.TryGetValue(name, out var entry)
        ? entry
        : throw new LogCorruptException($"The log holds an event type that this program does not know: {name}.");

    /// <summary>Whether streams of a type hold personal data: then the reason in the envelope is sealed too.</summary>
    public bool Seals(string streamType) => sealedStreams.Contains(streamType);

    /// <summary>Whether an event of this stored name erases what stands in its stream.</summary>
    public bool Erases(string name) => byName.TryGetValue(name, out var entry) && entry.Erases;

    /// <summary>Whether something personal can be read in an event: in its data, or in the reason that its envelope gives.</summary>
    public bool HoldsPersonalData(RecordedEvent recorded)
    {
        if (recorded.Data is UnreadableEvent || Of(recorded.Data) is not { Personal: var personal } entry)
        {
            return false;
        }

        if (recorded.Envelope.Reason is not null && Seals(entry.StreamType))
        {
            return true;
        }

        if (personal is null)
        {
            return false;
        }

        using var json = JsonDocument.Parse(Serialize(recorded.Data));
        return personal.AreIn(json.RootElement);
    }

    /// <summary>The catalog's own copy of a stored name, so that a million events share one string; a name it does not know as it came.</summary>
    public string OneCopy(string name) => byName.TryGetValue(name, out var entry) ? entry.Name : name;

    /// <summary>Writes an event as UTF-8 JSON.</summary>
    public byte[] Serialize(object data) => JsonSerializer.SerializeToUtf8Bytes(data, Of(data).Json);

    /// <summary>Reads an event from UTF-8 JSON, upcasting an older shape.</summary>
    public object Deserialize(string name, ReadOnlySpan<byte> json)
    {
        var entry = Named(name);
        try
        {
            if (entry.Upcast is null || entry.Upcast.IsToday(json))
            {
                return JsonSerializer.Deserialize(json, entry.Json)
                    ?? throw new LogCorruptException($"An event of type {name} is stored as null.");
            }

            using var document = JsonDocument.Parse(json.ToArray());
            return entry.Upcast.ToToday(document.RootElement).Deserialize(entry.Json)
                ?? throw new LogCorruptException($"An event of type {name} is stored as null.");
        }
        catch (JsonException unreadable)
        {
            throw new LogCorruptException($"An event of type {name} cannot be read.", unreadable);
        }
    }
}

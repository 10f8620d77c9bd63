using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Crm.EventStore.Sealing;

/// <summary>Says that a member is personal.</summary>
/// <param name="ErasedAs">What is read in its place once it is erased; null where it reads as absent.</param>
public sealed record PersonalMark(string? ErasedAs);

/// <summary>Which members of an object in an event's JSON are personal, and which objects in it have such members.</summary>
public sealed class PersonalMembers
{
    /// <summary>The member that stands in a stored object for all its personal ones; no event may have one of this name.</summary>
    public const string SealedName = "sealed";

    private readonly Member[] members;

    private PersonalMembers(string path, Member[] members)
    {
        Path = Encoding.UTF8.GetBytes(path);
        this.members = members;
        var needed = members.Where(static member => member.ErasedAs is not null)
            .Select(static member => $"\"{member.Name}\":\"{JsonEncodedText.Encode(member.ErasedAs ?? "")}\"");
        Erased = Encoding.UTF8.GetBytes(string.Join(',', needed));
    }

    /// <summary>The path of the object from the event's root, by dots; empty for the root itself.</summary>
    internal byte[] Path { get; }

    /// <summary>The members that are read once the personal ones are erased; none where all read as absent.</summary>
    internal byte[] Erased { get; }

    /// <summary>The personal members of a type and of the objects in it; null where it has none.</summary>
    /// <param name="type">How the type is written.</param>
    /// <param name="markOf">Whether a member is personal.</param>
    /// <exception cref="ArgumentException">
    /// A member has the name that is kept for sealed ones, or objects in a list have personal members: these cannot be sealed.
    /// </exception>
    public static PersonalMembers? Of(JsonTypeInfo type, Func<JsonPropertyInfo, PersonalMark?> markOf) => Of(type, markOf, "");

    /// <summary>Whether an object holds a personal value: none that is absent or empty, and none that stands for an erased one.</summary>
    internal bool AreIn(JsonElement json) => json.ValueKind is JsonValueKind.Object && members.Any(member =>
        json.TryGetProperty(member.Name, out var value) && (member.Inner is { } inner ? inner.AreIn(value) : value.ValueKind switch
        {
            JsonValueKind.Null or JsonValueKind.Undefined => false,
            JsonValueKind.Array => value.GetArrayLength() > 0,
            JsonValueKind.String => value.GetString() is { Length: > 0 } text && text != member.ErasedAs,
            JsonValueKind.Object or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => true,
            _ => true,
        }));

    /// <summary>The member that a reader stands on, where it is personal or holds such.</summary>
    internal Member? Find(ref Utf8JsonReader reader)
    {
        foreach (var member in members)
        {
            if (reader.ValueTextEquals(member.Utf8))
            {
                return member;
            }
        }

        return null;
    }

    /// <summary>The personal members of the object under a member; null where it has none.</summary>
    internal PersonalMembers? Inner(ReadOnlySpan<byte> name)
    {
        foreach (var member in members)
        {
            if (name.SequenceEqual(member.Utf8))
            {
                return member.Inner;
            }
        }

        return null;
    }

    private static PersonalMembers? Of(JsonTypeInfo type, Func<JsonPropertyInfo, PersonalMark?> markOf, string path)
    {
        if (type.Kind is not JsonTypeInfoKind.Object)
        {
            return type.ElementType is { } element && Of(type.Options.GetTypeInfo(element), markOf, path) is not null
                ? throw new ArgumentException($"{path} is a list of objects with personal members: these cannot be sealed.", nameof(type))
                : null;
        }

        var found = new List<Member>();
        foreach (var property in type.Properties)
        {
            if (property.Name == SealedName)
            {
                throw new ArgumentException(
                    $"{type.Type.Name} has a member named {SealedName}, which is kept for sealed ones.", nameof(type));
            }

            if (markOf(property) is { } mark)
            {
                found.Add(new Member(property.Name, mark.ErasedAs, Inner: null));
            }
            else if (Of(type.Options.GetTypeInfo(property.PropertyType), markOf, Below(path, property.Name)) is { } inner)
            {
                found.Add(new Member(property.Name, ErasedAs: null, inner));
            }
        }

        return found.Count == 0 ? null : new PersonalMembers(path, [.. found]);
    }

    private static string Below(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    /// <summary>A member that is personal itself, or whose object has personal members.</summary>
    internal sealed record Member(string Name, string? ErasedAs, PersonalMembers? Inner)
    {
        /// <summary>The name as it is written.</summary>
        public byte[] Utf8 { get; } = Encoding.UTF8.GetBytes(Name);
    }
}

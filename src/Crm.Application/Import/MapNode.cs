using System.Text.Json;

namespace Crm.Application.Import;

/// <summary>The map says something that cannot be: where (a JSON path) and what.</summary>
public sealed class ImportMapException(string path, string problem) : Exception($"{path}: {problem}")
{
    /// <summary>Where in the map, such as <c>$.rules[2].when.activity</c>.</summary>
    public string Path => path;
}

/// <summary>A place in a map's JSON that knows its path, so that every complaint names it.</summary>
/// <param name="Element">What stands there.</param>
/// <param name="Path">Where it is, such as <c>$.rules[2]</c>.</param>
internal readonly record struct MapNode(JsonElement Element, string Path)
{
    /// <summary>The whole map; comments and trailing commas are allowed in it.</summary>
    /// <exception cref="ImportMapException">It is not JSON.</exception>
    public static MapNode Parse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(
                json, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 32 });
            return new MapNode(document.RootElement.Clone(), "$");
        }
        catch (JsonException broken)
        {
            throw new ImportMapException("$", $"this is not JSON (line {broken.LineNumber + 1}): {broken.Message}");
        }
    }

    /// <summary>A complaint about this place.</summary>
    public ImportMapException Wrong(string problem) => new(Path, problem);

    /// <summary>Checks that it is an object with no other members than these.</summary>
    public MapNode Object(params IReadOnlyList<string> members)
    {
        if (Element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object is expected here");
        }

        foreach (var member in Element.EnumerateObject())
        {
            if (!members.Contains(member.Name, StringComparer.Ordinal))
            {
                throw new ImportMapException(
                    $"{Path}.{member.Name}", $"there is no such setting; here may stand: {string.Join(", ", members)}");
            }
        }

        return this;
    }

    /// <summary>A member; null when it is not there.</summary>
    public MapNode? Optional(string name) =>
        Element.TryGetProperty(name, out var member) ? new MapNode(member, $"{Path}.{name}") : null;

    /// <summary>A member that must be there.</summary>
    public MapNode Required(string name) => Optional(name) ?? throw Wrong($"\"{name}\" is missing");

    /// <summary>The members of an object, each with its path.</summary>
    public IEnumerable<(string Name, MapNode Node)> Members()
    {
        if (Element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object is expected here");
        }

        var path = Path;
        return Element.EnumerateObject().Select(member => (member.Name, new MapNode(member.Value, $"{path}.{member.Name}")));
    }

    /// <summary>The items of an array, each with its path.</summary>
    public IEnumerable<MapNode> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array)
        {
            throw Wrong("an array is expected here");
        }

        var path = Path;
        return Element.EnumerateArray().Select((item, index) => new MapNode(item, $"{path}[{index}]"));
    }

    /// <summary>The text that stands here.</summary>
    public string Text() => Element.ValueKind == JsonValueKind.String && Element.GetString() is { } text
        ? text
        : throw Wrong("a text is expected here");

    /// <summary>Yes or no.</summary>
    public bool Flag() => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong("true or false is expected here"),
    };

    /// <summary>One of the named choices.</summary>
    public TChoice Choice<TChoice>(IReadOnlyDictionary<string, TChoice> choices) =>
        choices.TryGetValue(Text(), out var chosen) ? chosen : throw Wrong($"one of {string.Join(", ", choices.Keys)} is expected here");

    /// <summary>The index of the column that is named here.</summary>
    public int Column(IReadOnlyList<string> header)
    {
        var name = Text();
        for (var index = 0; index < header.Count; index++)
        {
            if (string.Equals(header[index], name, StringComparison.Ordinal))
            {
                return index;
            }
        }

        throw Wrong($"the file has no column {name}; it has {string.Join(", ", header)}");
    }
}

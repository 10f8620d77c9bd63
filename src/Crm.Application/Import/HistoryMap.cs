namespace Crm.Application.Import;

/// <summary>
/// What the rows of an activity log mean, read from a map and bound to the file's columns: which lead, when, who, and which event.
/// Every rule whose condition holds records its event, in the map's order; a row that no rule is about is passed over.
/// </summary>
internal sealed class HistoryMap
{
    private HistoryMap()
    {
    }

    /// <summary>The name of the source; part of what tells one imported row from another.</summary>
    public required string Source { get; init; }

    /// <summary>The column that names the lead by its external id.</summary>
    public required int Lead { get; init; }

    /// <summary>When the row happened.</summary>
    public required Func<RowValues, DateTimeOffset> Time { get; init; }

    /// <summary>Who did it.</summary>
    public required Func<RowValues, string?> Actor { get; init; }

    /// <summary>Whether a lead that nobody has captured is captured by its first row; otherwise such a row is rejected.</summary>
    public required bool CapturesUnknown { get; init; }

    /// <summary>The rules, in the map's order.</summary>
    public required IReadOnlyList<(Func<RowValues, bool> When, Func<StepContext, StepOutcome?> Step)> Rules { get; init; }

    /// <summary>Where the names of agents stand.</summary>
    public required IReadOnlyList<Func<RowValues, string?>> Agents { get; init; }

    /// <summary>The delimiter that a map asks for; a comma unless it says otherwise.</summary>
    /// <exception cref="ImportMapException">The map is not JSON, or the delimiter no single character.</exception>
    public static char DelimiterOf(string json) => MapNode.Parse(json) is { Element.ValueKind: System.Text.Json.JsonValueKind.Object } root
        && root.Optional("delimiter") is { } delimiter
            ? delimiter.Text() is [var one and not '"' and not '\r' and not '\n']
                ? one
                : throw delimiter.Wrong("one character is expected here")
            : ',';

    /// <summary>Reads a map for a file with this header.</summary>
    /// <param name="json">The map.</param>
    /// <param name="header">The file's columns.</param>
    /// <param name="source">The source's name where it is given beside the map; it goes before the map's own.</param>
    /// <exception cref="ImportMapException">The map says something that cannot be; the message begins with where.</exception>
    public static HistoryMap Read(string json, IReadOnlyList<string> header, string? source = null)
    {
        var root = MapNode.Parse(json).Object("source", "delimiter", "lead", "time", "actor", "unknownLead", "rules");
        var lead = root.Required("lead");
        var steps = new HistoryStep(header, lead.Text());
        var time = MapValues.Time(root.Required("time"), header);
        var actor = MapValues.Text(root.Optional("actor"), header, "actor", 200);
        var rules = root.Required("rules").Items()
            .Select(rule => (RowCondition.Of(rule.Object(AnyOf(rule)).Optional("when"), header), steps.Of(rule))).ToList();
        return new HistoryMap
        {
            Source = SourceOf(root, source),
            Lead = lead.Column(header),
            Time = time,
            Actor = actor,
            CapturesUnknown = root.Optional("unknownLead")?.Choice(UnknownLead) ?? false,
            Rules = rules.Count > 0 ? rules : throw root.Required("rules").Wrong("at least one rule is expected here"),
            Agents = [actor, .. steps.Agents],
        };
    }

    private static readonly Dictionary<string, bool> UnknownLead = new(StringComparer.Ordinal) { ["reject"] = false, ["capture"] = true };

    private static string SourceOf(MapNode root, string? given)
    {
        var source = given ?? root.Required("source").Text();
        return source.Length is > 0 and <= 100 && !source.Any(char.IsControl)
            ? source
            : throw new ImportMapException("$.source", "a name of 1 to 100 characters is expected here");
    }

    // A rule must be an object before its parts are read; which parts it may have depends on its event.
    private static string[] AnyOf(MapNode rule) => rule.Element.ValueKind == System.Text.Json.JsonValueKind.Object
        ? [.. rule.Element.EnumerateObject().Select(static member => member.Name)]
        : [];
}

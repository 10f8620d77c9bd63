using System.Collections.Frozen;
using Crm.Domain.Leads;

namespace Crm.Application.Import;

/// <summary>What an import of leads does with a row.</summary>
public enum LeadsMode
{
    /// <summary>Captures leads that are not there; a lead that is there stays as it is.</summary>
    Create,

    /// <summary>Changes leads that are there; a row of a lead that is not there is rejected.</summary>
    Update,

    /// <summary>Captures or changes.</summary>
    Both,
}

/// <summary>Which column of a file of leads holds what, read from a map or guessed from the names of the columns.</summary>
internal sealed class LeadsMap
{
    private static readonly FrozenDictionary<string, string> Guesses = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["externalid"] = "externalId",
        ["id"] = "externalId",
        ["leadid"] = "externalId",
        ["mqlid"] = "externalId",
        ["reference"] = "externalId",
        ["firstname"] = "firstName",
        ["givenname"] = "firstName",
        ["forename"] = "firstName",
        ["lastname"] = "lastName",
        ["familyname"] = "lastName",
        ["surname"] = "lastName",
        ["name"] = "lastName",
        ["email"] = "email",
        ["emailaddress"] = "email",
        ["mail"] = "email",
        ["phone"] = "phone",
        ["phonenumber"] = "phone",
        ["telephone"] = "phone",
        ["mobile"] = "phone",
        ["company"] = "company",
        ["companyname"] = "company",
        ["organisation"] = "company",
        ["organization"] = "company",
        ["source"] = "source",
        ["leadsource"] = "source",
        ["origin"] = "source",
        ["tags"] = "tags",
        ["labels"] = "tags",
        ["at"] = "at",
        ["createdat"] = "at",
        ["capturedat"] = "at",
        ["firstcontactdate"] = "at",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private LeadsMap()
    {
    }

    /// <summary>The source's name.</summary>
    public required string Source { get; init; }

    /// <summary>The column that names the lead.</summary>
    public required int ExternalId { get; init; }

    /// <summary>When the lead was captured; null where the file does not say.</summary>
    public required Func<RowValues, DateTimeOffset>? At { get; init; }

    /// <summary>What is known of the lead.</summary>
    public required Func<RowValues, LeadDetails> Details { get; init; }

    /// <summary>Which column is taken for what, for people to see.</summary>
    public required IReadOnlyList<(string Column, string Field)> Shown { get; init; }

    /// <summary>Reads a map for a file with this header.</summary>
    /// <exception cref="ImportMapException">The map says something that cannot be; the message begins with where.</exception>
    public static LeadsMap Read(string json, IReadOnlyList<string> header, string? source)
    {
        var root = MapNode.Parse(json).Object("source", "delimiter", "externalId", "at", "details");
        var externalId = root.Required("externalId");
        var at = root.Optional("at");
        var shown = new List<(string, string)> { (externalId.Text(), "externalId") };
        if (at is { } time)
        {
            shown.Add((time.Required("column").Text(), "at"));
        }

        shown.AddRange(root.Optional("details")?.Members().Select(static member =>
            (member.Node.Optional("column")?.Text() ?? $"\"{member.Node.Optional("text")?.Text()}\"", member.Name)) ?? []);
        return new LeadsMap
        {
            Source = source ?? root.Required("source").Text(),
            ExternalId = externalId.Column(header),
            At = at is { } known ? MapValues.Time(known, header) : null,
            Details = DetailsMap.Of(root.Optional("details"), header, externalId.Text()),
            Shown = shown,
        };
    }

    /// <summary>Guesses from the names of the columns.</summary>
    /// <exception cref="ImportMapException">No column looks like the lead's id.</exception>
    public static LeadsMap Guess(IReadOnlyList<string> header, string source)
    {
        var guessed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var column in header)
        {
            var plain = string.Concat(column.Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant();
            if (Guesses.TryGetValue(plain, out var field))
            {
                guessed.TryAdd(field, column);
            }
        }

        if (!guessed.TryGetValue("externalId", out var externalId))
        {
            throw new ImportMapException(
                "$.externalId", $"no column looks like the lead's id; say which by a map. The columns are {string.Join(", ", header)}");
        }

        // The guess is written down as a map, so that both are read by the same rules.
        string ColumnOf(string column) => System.Text.Json.JsonSerializer.Serialize(column, ImportJson.Default.String);
        var details = guessed.Where(static each => each.Key is not "externalId" and not "at")
            .Select(each => $"\"{each.Key}\": {{\"column\": {ColumnOf(each.Value)}}}");
        var at = guessed.TryGetValue("at", out var time) ? $", \"at\": {{\"column\": {ColumnOf(time)}}}" : "";
        return Read($"{{\"externalId\": {ColumnOf(externalId)}{at}, \"details\": {{{string.Join(", ", details)}}}}}", header, source);
    }
}

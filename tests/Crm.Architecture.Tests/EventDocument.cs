using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Crm.Domain;
using Crm.Domain.Access;
using Crm.Domain.ApiKeys;
using Crm.Domain.Leads;
using Crm.Domain.Teams;
using Crm.Domain.Users;

namespace Crm.Architecture.Tests;

/// <summary>Writes <c>docs/events.md</c> from the stored names, the events' types and their doc comments.</summary>
internal static partial class EventDocument
{
    private const string Opening = """
        # Events

        What the log may hold, by stored name. A stored name is for good; a field may be added, never renamed or given another meaning;
        an older shape is upcast when it is read, and every shape ever stored has an approved sample in
        `tests/Crm.Architecture.Tests/Approved`.

        Who, on whose behalf, when, why and as part of which operation stand in the envelope of every event, not in its fields. A field
        marked `?` is left out where there is no value.

        A field marked *(personal)* says something of the person that the stream is about. In the log it stands sealed under that stream's key,
        and so does the envelope's reason in streams that have such fields; once the key is destroyed it reads as absent.

        This page is written from the code: `CRM_UPDATE_DOCS=1 dotnet test tests/Crm.Architecture.Tests` writes it anew.

        """;

    private static readonly NullabilityInfoContext Nullability = new();
    private static readonly Dictionary<string, XElement> Comments = ReadComments();

    public static string Write()
    {
        var page = new StringBuilder(Opening);
        var values = new List<Type>();
        WriteStream(page, "lead", LeadEvent.StoredNames, values);
        WriteStream(page, "user", UserEvent.StoredNames, values);
        WriteStream(page, "team", TeamEvent.StoredNames, values);
        WriteStream(page, "access", AccessEvent.StoredNames, values);
        WriteStream(page, "api-key", ApiKeyEvent.StoredNames, values);

        page.AppendLine().AppendLine("## Values").AppendLine();
        page.AppendLine("| Value | Meaning | Fields or words |").AppendLine("|---|---|---|");
        for (var i = 0; i < values.Count; i++)
        {
            // Fields of a value may bring further values, which are then written after it.
            var content = values[i].IsEnum ? WordsOf(values[i]) : FieldsOf(values[i], values);
            Row(page, WordFor(values[i]), SummaryOf(values[i]), content);
        }

        return page.ToString();
    }

    private static void WriteStream(StringBuilder page, string stream, IReadOnlyDictionary<string, Type> storedNames, List<Type> values)
    {
        page.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"## Stream `{stream}`").AppendLine();
        page.AppendLine("| Event | Meaning | Fields |").AppendLine("|---|---|---|");
        foreach (var (name, type) in storedNames)
        {
            Row(page, $"`{name}`", SummaryOf(type), FieldsOf(type, values));
        }
    }

    private static void Row(StringBuilder page, string name, string meaning, string content) =>
        page.AppendLine(CultureInfo.InvariantCulture, $"| {name} | {meaning} | {(content is "" ? "–" : content)} |");

    private static string FieldsOf(Type type, List<Type> values) =>
        string.Join("<br>", type.GetConstructors().Single().GetParameters().Select(field => FieldOf(type, field, values)));

    private static string FieldOf(Type type, ParameterInfo field, List<Type> values)
    {
        var optional = Nullability.Create(field).WriteState is NullabilityState.Nullable ? "?" : "";
        var meaning = Comments.TryGetValue($"T:{type.FullName}", out var comment)
            ? comment.Elements("param").FirstOrDefault(param => param.Attribute("name")?.Value == field.Name)
            : null;
        var personal = type.GetProperty(field.Name ?? "")?.GetCustomAttribute<PersonalAttribute>() is null ? "" : " *(personal)*";
        return $"`{JsonNamingPolicy.CamelCase.ConvertName(field.Name ?? "")}`{optional} {WordFor(field.ParameterType, values)}{personal}"
            + (meaning is null ? "" : $": {TextOf(meaning)}");
    }

    private static string WordFor(Type type, List<Type> values)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        if (plain.Assembly == typeof(LeadEvent).Assembly && !values.Contains(plain))
        {
            values.Add(plain);
        }

        return WordFor(plain);
    }

    private static string WordFor(Type type) =>
        type == typeof(string) ? "text"
        : type == typeof(int) || type == typeof(long) ? "whole number"
        : type == typeof(decimal) ? "decimal number"
        : type == typeof(bool) ? "true or false"
        : type == typeof(Guid) ? "UUID"
        : type == typeof(DateTimeOffset) ? "time"
        : type == typeof(DateOnly) ? "date"
        : type == typeof(IReadOnlyList<string>) ? "list of texts"
        : type == typeof(IReadOnlyList<long>) ? "list of whole numbers"
        : type.Assembly == typeof(LeadEvent).Assembly ? $"*{Words().Replace(type.Name, " ").ToLowerInvariant()}*"
        : throw new ArgumentException($"There is no word for fields of type {type}.", nameof(type));

    private static string WordsOf(Type type) =>
        string.Join(", ", Enum.GetNames(type).Select(name => $"`{JsonNamingPolicy.KebabCaseLower.ConvertName(name)}`"));

    private static string SummaryOf(Type type) =>
        Comments.TryGetValue($"T:{type.FullName}", out var comment) && comment.Element("summary") is { } summary ? TextOf(summary) : "";

    private static string TextOf(XElement comment)
    {
        var text = string.Concat(comment.Nodes().Select(node => node switch
        {
            XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
            XElement other => other.Attribute("cref")?.Value.Split('.')[^1] ?? other.Value,
            XText plain => plain.Value,
            _ => "",
        }));
        return Blanks().Replace(text, " ").Trim().Replace("|", "\\|", StringComparison.Ordinal);
    }

    private static Dictionary<string, XElement> ReadComments() =>
        XDocument.Load(Path.ChangeExtension(typeof(LeadEvent).Assembly.Location, ".xml")).Descendants("member")
            .ToDictionary(member => member.Attribute("name")?.Value ?? "", StringComparer.Ordinal);

    [GeneratedRegex(@"(?<=[a-z])(?=[A-Z])", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Words();

    [GeneratedRegex(@"\s+", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Blanks();
}

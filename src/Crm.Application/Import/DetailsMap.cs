using Crm.Domain.Leads;

namespace Crm.Application.Import;

/// <summary>
/// Reads which columns hold what is known of a lead: <c>{"company": {"column": "firm"}, "value": {"column": "eur", "currency":
/// "EUR"}}</c>.
/// </summary>
internal static class DetailsMap
{
    /// <summary>The details of each row; the external id comes from its own column.</summary>
    public static Func<RowValues, LeadDetails> Of(MapNode? node, IReadOnlyList<string> header, string externalIdColumn)
    {
        var externalId = header.ToList().IndexOf(externalIdColumn);
        if (node is not { } given)
        {
            return row => LeadDetails.Unknown with { ExternalId = row[externalId]?.Trim() };
        }

        given.Object("firstName", "lastName", "email", "phone", "company", "source", "value", "tags");
        Func<RowValues, string?> Text(string name, int longest) => MapValues.Text(given.Optional(name), header, name, longest);
        var (firstName, lastName) = (Text("firstName", 200), Text("lastName", 200));
        var (email, phone) = (Text("email", 254), Text("phone", 50));
        var (company, source) = (Text("company", 200), Text("source", 100));
        var value = given.Optional("value") is { } money ? MapValues.Money(money, header) : static _ => null;
        var tags = TagsOf(given.Optional("tags"), header);
        return row => new LeadDetails(
            firstName(row),
            lastName(row),
            email(row),
            phone(row),
            company(row),
            source(row),
            value(row),
            tags(row),
            row[externalId]?.Trim());
    }

    /// <summary>Tags: one column whose field lists them, separated by <c>;</c> unless another separator is named.</summary>
    internal static Func<RowValues, IReadOnlyList<string>> TagsOf(MapNode? node, IReadOnlyList<string> header)
    {
        if (node is not { } given)
        {
            return static _ => [];
        }

        given.Object("column", "separator");
        var column = given.Required("column").Column(header);
        var separator = given.Optional("separator")?.Text() ?? ";";
        return row =>
        {
            var tags = LeadTags.Normalized(row[column]?.Split(separator) ?? []);
            if (!LeadTags.AreValid(tags))
            {
                row.Reject(LeadRefusals.InvalidTags.Because);
            }

            return tags;
        };
    }
}

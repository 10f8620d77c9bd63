using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Crm.Projections;
using Crm.Web.Http;

namespace Crm.Web.Leads;

/// <summary>Everything that is held on a person, as a page to read and print.</summary>
internal static class PersonalDataPage
{
    private static readonly JsonWriterOptions readable = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The page.</summary>
    public static string Of(PersonalDataBody file)
    {
        var page = new HtmlPage("What is held on a person");
        page.Facts(
        [
            ("Lead", file.LeadId.ToString("D")),
            ("Put together at", WireFormats.Text(file.MadeAt)),
            ("Up to position", file.UpTo.ToString(CultureInfo.InvariantCulture)),
            .. Details(file.Lead),
        ]);
        page.Table(
            "What happened",
            ["When", "What", "Who", "Why", "Recorded"],
            file.Events.Select(static each => new[]
            {
                WireFormats.Text(each.At), each.Says, each.ActorName ?? each.Actor ?? "unknown", each.Reason ?? "", WireFormats.Text(each.RecordedAt),
            }));
        page.Table(
            "Who looked, where a look is recorded",
            ["When", "Who", "At what"],
            file.Reads.Select(static each => new[] { WireFormats.Text(each.At), each.ActorName ?? each.Actor ?? "unknown", each.What }));
        page.Table(
            "Lists and figures in which it stands or counts",
            ["Name", "Rows"],
            file.Models.Select(static each => new[] { each.Table, each.Rows.ToString(CultureInfo.InvariantCulture) }));
        foreach (var each in file.Events)
        {
            page.Text(string.Create(CultureInfo.InvariantCulture, $"Event {each.Version}, {each.Type}, whole"), Indented(each.Data));
        }

        return page.ToString();
    }

    private static IEnumerable<(string Name, string Value)> Details(LeadBody lead)
    {
        yield return ("First name", lead.FirstName ?? "");
        yield return ("Last name", lead.LastName ?? "");
        yield return ("E-mail address", lead.Email ?? "");
        yield return ("Telephone", lead.Phone ?? "");
        yield return ("Company", lead.Company ?? "");
        yield return ("External id", lead.ExternalId ?? "");
        yield return ("Tags", string.Join(", ", lead.Tags));
        yield return ("Source", lead.Source ?? "");
        yield return ("Status", Words.Of(lead.Status));
        yield return ("Archived", lead.Archived ? "yes" : "no");
        yield return ("Erased", lead.Erased ? "yes" : "no");
        yield return ("Score", lead.Score.ToString(CultureInfo.InvariantCulture));
        yield return ("Known since", WireFormats.Text(lead.CreatedAt));
    }

    private static string Indented(RawJson data)
    {
        using var buffer = new MemoryStream();
        using (var document = JsonDocument.Parse(data.Utf8))
        using (var writer = new Utf8JsonWriter(buffer, readable))
        {
            document.WriteTo(writer);
        }

        return System.Text.Encoding.UTF8.GetString(buffer.ToArray());
    }
}

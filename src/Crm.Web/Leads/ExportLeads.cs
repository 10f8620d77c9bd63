using System.Globalization;
using System.Text;
using System.Text.Json;
using Crm.Domain.Access;
using Crm.Projections;
using Crm.Web.Hosting;
using Crm.Web.Http;
using Crm.Web.Security;
using Microsoft.AspNetCore.Http.Timeouts;
using Npgsql;

namespace Crm.Web.Leads;

/// <summary><c>GET /leads/export</c>: all leads of a list, streamed, in bounded memory.</summary>
public static class ExportLeadsEndpoint
{
    private const int FlushEvery = 200;

    /// <summary>The columns of a file of leads.</summary>
    internal static readonly string[] Columns =
    [
        "id", "version", "status", "archived", "firstName", "lastName", "email", "phone", "company", "source", "valueAmount", "valueCurrency",
        "tags", "externalId", "ownerId", "score", "temperature", "createdAt", "updatedAt",
    ];

    /// <summary>Its query parameters.</summary>
    public static QueryParameter[] Query { get; } =
    [
        new("format", ParameterKind.Word, "csv (unless told) or ndjson.") { Words = ["csv", "ndjson"] },
        .. ListLeadsEndpoint.Filters,
    ];

    /// <summary>Streams the leads.</summary>
    [RequestTimeout(EdgeSetup.StreamTimeout)]
    public static async Task Handle(
        HttpContext http, NpgsqlDataSource database, ReadHeaders read, SensitiveReads reads, CancellationToken ct)
    {
        var query = ListLeadsEndpoint.QueryOf(http.Request.Query);
        var csv = http.Request.Query.Word("format", "csv", "ndjson") is not "ndjson";
        var projection = query.AsOf.IsNow ? "lead_board" : "lead_history";
        await read.Follow(http, projection, ct);
        var visible = await read.Visible(http, projection, ct);
        await reads.Record(http, SensitiveSubject.Export, subjectId: null, ct);
        http.Response.ContentType = csv ? "text/csv; charset=utf-8; header=present" : "application/x-ndjson";
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"leads.{(csv ? "csv" : "ndjson")}\"";
        var output = http.Response.BodyWriter;
        if (csv)
        {
            Encoding.UTF8.GetBytes(string.Join(',', Columns) + "\r\n", output);
        }

        var written = 0;
        await foreach (var row in LeadBoard.Export(database, query, visible, ct))
        {
            if (csv)
            {
                Encoding.UTF8.GetBytes(Line(LeadBody.Of(row)), output);
            }
            else
            {
                using var json = new Utf8JsonWriter(output);
                JsonSerializer.Serialize(json, LeadBody.Of(row), LeadsJson.Wire.LeadBody);
                json.Flush();
                Encoding.UTF8.GetBytes("\n", output);
            }

            if (++written % FlushEvery == 0)
            {
                await output.FlushAsync(ct);
            }
        }

        await output.FlushAsync(ct);
    }

    /// <summary>A lead as a line of a file.</summary>
    internal static string Line(LeadBody lead) => string.Join(
        ',',
        lead.Id.ToString("D"),
        lead.Version.ToString(CultureInfo.InvariantCulture),
        Words.Of(lead.Status),
        lead.Archived ? "true" : "false",
        Cell(lead.FirstName),
        Cell(lead.LastName),
        Cell(lead.Email),
        Cell(lead.Phone),
        Cell(lead.Company),
        Cell(lead.Source),
        lead.Value?.Amount?.ToString(CultureInfo.InvariantCulture),
        Cell(lead.Value?.Currency),
        Cell(string.Join(' ', lead.Tags)),
        Cell(lead.ExternalId),
        lead.OwnerId?.ToString("D"),
        lead.Score.ToString(CultureInfo.InvariantCulture),
        Words.Of(lead.Temperature),
        WireFormats.Text(lead.CreatedAt),
        WireFormats.Text(lead.UpdatedAt)) + "\r\n";

    /// <summary>
    /// A cell by RFC 4180. Text that a spreadsheet would take for a formula gets an apostrophe in front, so that opening the file
    /// runs nothing.
    /// </summary>
    internal static string Cell(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return "";
        }

        var safe = IsFormula(text) ? "'" + text : text;
        return safe.AsSpan().ContainsAny(",\"\r\n") || char.IsWhiteSpace(safe[0]) || char.IsWhiteSpace(safe[^1])
            ? $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\""
            : safe;
    }

    // Spreadsheets pass over space in front, and take the wide forms of East Asian keyboards for the plain ones.
    private static bool IsFormula(string text) =>
        text[0] is '\t' or '\r' or '\n'
        || text.AsSpan().TrimStart() is [('=' or '+' or '-' or '@' or '\uFF1D' or '\uFF0B' or '\uFF0D' or '\uFF20'), ..];
}

using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Microsoft.Net.Http.Headers;

namespace Crm.Web.Http;

/// <summary>
/// A page to read and print, of headings, facts, tables and texts. Whatever is shown is escaped; there are no scripts, no links and nothing
/// that a browser would load.
/// </summary>
public sealed class HtmlPage
{
    private const string Style =
        "body{font:14px/1.5 sans-serif;margin:2em auto;max-width:60em;padding:0 1em}table{border-collapse:collapse;width:100%}"
        + "th,td{border:1px solid #bbb;padding:.3em .5em;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
        + "th{background:#eee}pre{white-space:pre-wrap;overflow-wrap:anywhere}dt{font-weight:bold}";

    private static readonly HtmlEncoder encoder = HtmlEncoder.Create(UnicodeRanges.All);

    private static readonly string policy =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; "
        + "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

    private readonly StringBuilder html = new();

    /// <summary>Begins a page.</summary>
    public HtmlPage(string title)
    {
        html.Append("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>").Append(Escaped(title))
            .Append("</title><style>").Append(Style).Append("</style></head><body><h1>").Append(Escaped(title)).Append("</h1>\n");
    }

    /// <summary>Whether a request asks for a page rather than for JSON.</summary>
    public static bool IsWanted(HttpRequest request) =>
        MediaTypeHeaderValue.TryParseList(request.Headers.Accept, out var accepted)
        && accepted.Where(static type => type.Quality is not 0).OrderByDescending(static type => type.Quality ?? 1)
            .FirstOrDefault(static type => type.MediaType.Value is "text/html" or "application/json" or "*/*")?.MediaType.Value is "text/html";

    /// <summary>A finished page as an answer.</summary>
    public static IResult Answer(string page) => new Page(page);

    /// <summary>A list of names, each with what stands for it.</summary>
    public void Facts(IEnumerable<(string Name, string Value)> facts)
    {
        html.Append("<dl>");
        foreach (var (name, value) in facts)
        {
            html.Append("<dt>").Append(Escaped(name)).Append("</dt><dd>").Append(Escaped(value)).Append("</dd>");
        }

        html.Append("</dl>\n");
    }

    /// <summary>A table under a heading.</summary>
    public void Table(string heading, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        html.Append("<h2>").Append(Escaped(heading)).Append("</h2><table><thead><tr>");
        foreach (var column in columns)
        {
            html.Append("<th>").Append(Escaped(column)).Append("</th>");
        }

        html.Append("</tr></thead><tbody>\n");
        foreach (var row in rows)
        {
            html.Append("<tr>");
            foreach (var cell in row)
            {
                html.Append("<td>").Append(Escaped(cell)).Append("</td>");
            }

            html.Append("</tr>\n");
        }

        html.Append("</tbody></table>\n");
    }

    /// <summary>A text as it is, under a heading.</summary>
    public void Text(string heading, string text) =>
        html.Append("<h2>").Append(Escaped(heading)).Append("</h2><pre>").Append(Escaped(text)).Append("</pre>\n");

    /// <inheritdoc/>
    public override string ToString() => html + "</body></html>\n";

    private static string Escaped(string text) => encoder.Encode(text);

    private sealed record Page(string Html) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.ContentType = "text/html; charset=utf-8";
            httpContext.Response.Headers.ContentSecurityPolicy = policy;
            return httpContext.Response.WriteAsync(Html, httpContext.RequestAborted);
        }
    }
}

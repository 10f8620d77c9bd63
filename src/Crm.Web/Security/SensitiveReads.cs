using System.Text;
using Crm.Domain.Access;
using Crm.Web.Http;

namespace Crm.Web.Security;

/// <summary>
/// Records who looks at what is not for everyday looking. The fact is in the log before the first byte of the answer: where it cannot be
/// kept, nothing is shown.
/// </summary>
public sealed class SensitiveReads(AccessFacts facts)
{
    private const int LongestQuery = 500;

    // Of these only the name is kept: people search for people.
    private static readonly string[] FreeText = ["q", "source", "tag", "actor", "cursor"];

    /// <summary>Records a look.</summary>
    /// <param name="http">The request.</param>
    /// <param name="what">What is looked at.</param>
    /// <param name="subjectId">The lead; null when it is many.</param>
    /// <param name="ct">Cancels.</param>
    public Task Record(HttpContext http, SensitiveSubject what, Guid? subjectId, CancellationToken ct) =>
        facts.Record(new SensitiveRead(what, subjectId, Told(http.Request.Query)), RequestHeaders.Envelope(http), ct);

    private static string? Told(IQueryCollection query)
    {
        var told = new StringBuilder();
        foreach (var (name, value) in query)
        {
            told.Append(told.Length == 0 ? "" : "&").Append(name);
            if (!FreeText.Contains(name, StringComparer.Ordinal))
            {
                told.Append('=').Append(value.ToString());
            }
        }

        return told.Length == 0 ? null : told.ToString(0, Math.Min(told.Length, LongestQuery));
    }
}

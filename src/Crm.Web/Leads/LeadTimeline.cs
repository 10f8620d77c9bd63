using Crm.EventStore.Log;
using Crm.Projections;
using Crm.Web.Http;

namespace Crm.Web.Leads;

/// <summary>A lead's timeline, one sentence each.</summary>
/// <param name="Items">The lines in order.</param>
/// <param name="NextCursor">Where it goes on; null at its end.</param>
public sealed record TimelineBody(IReadOnlyList<TimelineLine> Items, string? NextCursor);

/// <summary><c>GET /leads/{id}/timeline</c></summary>
public static class LeadTimelineEndpoint
{
    private const int PageSize = 1_000;

    /// <summary>Its query parameters.</summary>
    public static QueryParameter[] Query { get; } = [new("cursor", ParameterKind.Number, "Where it goes on: the nextCursor of the page before.")];

    /// <summary>Tells what happened to a lead.</summary>
    public static async Task<IResult> Handle(Guid id, HttpContext http, ReadModels models, EventLog log, ReadHeaders read, CancellationToken ct)
    {
        await read.Follow(http, "lead_timeline", ct);

        // Whose it is today the log says, which is never behind.
        await ReadLeadEndpoint.Visible(id, http, log, ct);
        var after = http.Request.Query.Number("cursor", 0, long.MaxValue) ?? 0;
        var lines = await LeadTimeline.Of(models.Database, id, ct, after, PageSize);
        return lines.Count == 0 && after == 0
            ? throw ReadLeadEndpoint.NotFound()
            : Answers.Json(
                new TimelineBody(lines, lines.Count < PageSize ? null : $"{lines[^1].Version}"), LeadsJson.Wire.TimelineBody);
    }
}

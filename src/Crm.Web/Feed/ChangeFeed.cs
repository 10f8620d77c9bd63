using Crm.EventStore.Log;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Feed;

/// <summary><c>GET /events</c>: what happened, in the order of its positions, as far as the caller may see it.</summary>
public static class ChangeFeedEndpoint
{
    /// <summary>Its query parameters.</summary>
    public static QueryParameter[] Query { get; } =
    [
        new("after", ParameterKind.Number, "Go on after this position; 0 from the beginning."),
        new("limit", ParameterKind.Number, "Look through at most so many events, 1–1000; 100 unless told. Who may not see all gets fewer."),
    ];

    /// <summary>Reads a page.</summary>
    public static async Task<IResult> Handle(
        HttpContext http, EventLog log, LogTail tail, FeedSight sight, ReadHeaders read, CancellationToken ct)
    {
        await read.FollowLog(http, ct);
        await sight.Record(http, ct);
        var after = http.Request.Query.Number("after", 0, long.MaxValue) ?? 0;
        var limit = (int)(http.Request.Query.Number("limit", 1, 1_000) ?? 100);
        if (!FeedSight.SeesEverything(http.User.Scope()))
        {
            // Rights as old as the board, and what the caller has just written: it waits for both.
            await read.Wait(http, "lead_board", ct);
            await read.Visible(http, "lead_board", ct);
        }

        var seen = await sight.Of(http.User.Scope(), after, await tail.ReadSettledAfter(after, limit, ct), ct);
        return Answers.Json(
            new FeedPage([.. seen.Events.Select(recorded => CloudEvent.Of(recorded, log.Catalog))], seen.ReadTo), FeedJson.Wire.FeedPage);
    }
}

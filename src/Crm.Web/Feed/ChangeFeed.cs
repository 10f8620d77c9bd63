using Crm.EventStore.Log;
using Crm.Web.Http;

namespace Crm.Web.Feed;

/// <summary><c>GET /events</c>: everything that happened, in the order of its positions.</summary>
public static class ChangeFeedEndpoint
{
    /// <summary>Its query parameters.</summary>
    public static QueryParameter[] Query { get; } =
    [
        new("after", ParameterKind.Number, "Go on after this position; 0 from the beginning."),
        new("limit", ParameterKind.Number, "At most so many events, 1–1000; 100 unless told."),
    ];

    /// <summary>Reads a page.</summary>
    public static async Task<IResult> Handle(HttpContext http, EventLog log, LogTail tail, ReadHeaders read, CancellationToken ct)
    {
        await read.FollowLog(http, ct);
        var after = http.Request.Query.Number("after", 0, long.MaxValue) ?? 0;
        var limit = (int)(http.Request.Query.Number("limit", 1, 1_000) ?? 100);
        var events = await tail.ReadSettledAfter(after, limit, ct);
        return Answers.Json(
            new FeedPage([.. events.Select(recorded => CloudEvent.Of(recorded, log.Catalog))], events is [.., var last] ? last.Position : after),
            FeedJson.Wire.FeedPage);
    }
}

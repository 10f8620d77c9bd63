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
        var reached = await read.FollowLog(http, ct);
        await sight.Record(http, ct);
        var after = http.Request.Query.Number("after", 0, long.MaxValue) ?? 0;
        var limit = (int)(http.Request.Query.Number("limit", 1, 1_000) ?? 100);
        if (!FeedSight.SeesEverything(http.User.Scope()))
        {
            // Rights as old as the board, and what the caller has just written: it waits for both.
            await read.Wait(http, "lead_board", ct);
            await read.Visible(http, "lead_board", ct);
        }

        var seen = await sight.Of(http.User.Scope(), after, await Read(tail, after, limit, reached, ct), ct);
        return Answers.Json(
            new FeedPage([.. seen.Events.Select(recorded => CloudEvent.Of(recorded, log.Catalog))], seen.ReadTo), FeedJson.Wire.FeedPage);
    }

    /// <summary>A full page, or one that goes as far as the answer says: the tail may have been read before the newest events were there.</summary>
    private static async Task<IReadOnlyList<RecordedEvent>> Read(LogTail tail, long after, int limit, long reached, CancellationToken ct)
    {
        var events = await tail.ReadSettledAfter(after, limit, ct);
        while (events.Count > 0 && events.Count < limit && events[^1].Position < reached
            && await tail.ReadSettledAfter(events[^1].Position, limit - events.Count, ct) is { Count: > 0 } more)
        {
            events = [.. events, .. more];
        }

        return events;
    }
}

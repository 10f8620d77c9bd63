using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Feed;

/// <summary>The routes of the change feed.</summary>
public static class FeedRoutes
{
    /// <summary>Maps them.</summary>
    public static void MapFeed(this IEndpointRouteBuilder api)
    {
        var feed = api.MapGroup("/events").WithTags("Change feed").RequireAuthorization(Policies.Feed);
        feed.MapGet("", ChangeFeedEndpoint.Handle).WithMetadata(new FollowsLog()).Takes(ChangeFeedEndpoint.Query).Produces<FeedPage>()
            .WithSummary("The change feed in position order, as CloudEvents.");
        feed.MapGet("/stream", EventStreamEndpoint.Handle).Takes(EventStreamEndpoint.Query)
            .Produces(200, contentType: "text/event-stream").WithSummary("The change feed as server-sent events; resumes from Last-Event-ID.");
    }
}

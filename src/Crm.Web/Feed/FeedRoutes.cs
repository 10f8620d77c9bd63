using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Feed;

/// <summary>The routes of the change feed.</summary>
public static class FeedRoutes
{
    /// <summary>Maps them.</summary>
    public static void MapFeed(this IEndpointRouteBuilder api)
    {
        var feed = api.MapGroup("/events").WithTags("Change feed").RequireAuthorization(Policies.Audit);
        feed.MapGet("", ChangeFeedEndpoint.Handle).Takes(ChangeFeedEndpoint.Query);
        feed.MapGet("/stream", EventStreamEndpoint.Handle).Takes(EventStreamEndpoint.Query);
    }
}

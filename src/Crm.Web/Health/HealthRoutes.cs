namespace Crm.Web.Health;

/// <summary>Whether the host is alive, ready, and well.</summary>
public static class HealthRoutes
{
    /// <summary>Maps them, outside the API and open to all.</summary>
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        var health = app.MapGroup("/health").WithTags("Health").AllowAnonymous();
        health.MapGet("", HealthEndpoint.Handle).WithSummary("How well the host is, with database, pool and projections.").Produces<HealthBody>();
        health.MapGet("/live", LiveEndpoint.Handle).WithSummary("Whether the process runs.").Produces<AliveBody>();
        health.MapGet("/ready", ReadyEndpoint.Handle).WithSummary("Whether requests can be answered.").Produces<AliveBody>().ProducesProblem(503);
    }
}

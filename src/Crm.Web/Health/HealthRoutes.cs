namespace Crm.Web.Health;

/// <summary>Whether the host is alive, ready, and well.</summary>
public static class HealthRoutes
{
    /// <summary>Maps them, outside the API and open to all.</summary>
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        var health = app.MapGroup("/health").WithTags("Health").AllowAnonymous();
        health.MapGet("/live", () => Results.Ok());
    }
}

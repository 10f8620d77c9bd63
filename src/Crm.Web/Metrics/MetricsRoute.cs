namespace Crm.Web.Metrics;

/// <summary><c>GET /metrics</c></summary>
public static class MetricsRoute
{
    /// <summary>Counts from the start on.</summary>
    public static void AddCrmMetrics(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<HostMetrics>();
        builder.Services.AddSingleton<PoolMetrics>();
    }

    /// <summary>Maps it, outside the API and open to the scraper.</summary>
    public static void MapMetrics(this WebApplication app)
    {
        app.Services.GetRequiredService<HostMetrics>(); // counts from the start, not from the first scrape
        app.MapGet("/metrics", Handle).WithTags("Health").AllowAnonymous()
            .Produces(200, contentType: "text/plain").WithSummary("Metrics in the Prometheus text format.");
    }

    private static async Task<IResult> Handle(HostMetrics metrics, CancellationToken ct) =>
        Results.Text(await metrics.Scrape(ct), "text/plain; version=0.0.4; charset=utf-8");
}

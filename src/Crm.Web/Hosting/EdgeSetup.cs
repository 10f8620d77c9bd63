using Crm.Web.Documentation;
using Crm.Web.Http;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.Extensions.Options;

namespace Crm.Web.Hosting;

/// <summary>The API's edge: what every request passes before anything of the business sees it.</summary>
internal static class EdgeSetup
{
    /// <summary>The policy of requests that may take as long as an export.</summary>
    public const string StreamTimeout = "stream";

    /// <summary>Adds the clock, the limits, the timeouts and what they are told by.</summary>
    public static void AddCrmEdge(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton(TimeProvider.System);
        services.AddOptions<EdgeOptions>().BindConfiguration(EdgeOptions.Section)
            .Validate(options => !options.Faults().Any(), $"The settings under {EdgeOptions.Section} are out of range.")
            .ValidateOnStart();
        services.AddSingleton(static provider => provider.GetRequiredService<IOptions<EdgeOptions>>().Value);
        services.AddSingleton<DatabaseGuard>();
        services.AddSingleton<EdgeMetrics>();
        services.AddSingleton<RateLimits>();
        services.AddSingleton<RequestRoom>();
        services.AddSingleton<StreamRoom>();
        services.AddRequestTimeouts();
        services.AddOptions<RequestTimeoutOptions>().Configure<EdgeOptions>(static (timeouts, edge) =>
        {
            timeouts.DefaultPolicy = new RequestTimeoutPolicy { Timeout = edge.RequestLasts, TimeoutStatusCode = 504 };
            timeouts.AddPolicy(StreamTimeout, new RequestTimeoutPolicy { Timeout = edge.ExportLasts, TimeoutStatusCode = 504 });
        });
        services.AddCompression();
        builder.AddCrossOrigin();
    }

    /// <summary>The way of every request, in order.</summary>
    public static void UseCrmEdge(this WebApplication app)
    {
        app.UseKnownProxies();
        app.UseProblems();
        app.UseCrossOrigin();
        app.UseDocumentationPage();
        app.UseRouting();
        app.UseRequestRoom();
        app.UseRequestTimeouts();
        app.UseDatabaseGuard();
        app.UseAuthentication();
        app.UseRateLimits();
        app.UseStreamRoom();
        app.UseAuthorization();
        app.UseSafeCompression();
        app.UseQueryCheck();
    }
}

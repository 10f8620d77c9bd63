namespace Crm.Web.Hosting;

/// <summary>Which other web sites' pages may call the API: those of <c>Crm:Cors:Origins</c>, none unless told.</summary>
internal static class CrossOrigin
{
    /// <summary>The setting with the list of origins.</summary>
    public const string Setting = "Crm:Cors:Origins";

    private static readonly string[] methods = ["GET", "HEAD", "POST", "PATCH"];
    private static readonly string[] sent =
    [
        "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "After-Position", "Last-Event-ID", "X-Correlation-Id", "On-Behalf-Of",
    ];

    private static readonly string[] shown =
    [
        "ETag", "Event-Position", "Location", "Retry-After", "RateLimit", "RateLimit-Policy", "Idempotent-Replayed", "Content-Disposition",
    ];

    /// <summary>Adds the list.</summary>
    /// <exception cref="SettingMissingException">An entry is no origin, or would let in everybody.</exception>
    public static void AddCrossOrigin(this WebApplicationBuilder builder)
    {
        var origins = Origins(builder.Configuration);
        if (origins.FirstOrDefault(origin => !IsOrigin(origin)) is { } wrong)
        {
            throw new SettingMissingException(
                $"{Setting} holds '{wrong}', which is not an origin such as https://crm.example: scheme, host and port, no wildcard and no slash at the end.");
        }

        // No credentials: the API knows no cookies, and a page that has a token sends it itself.
        builder.Services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
            .WithOrigins(origins).WithMethods(methods).WithHeaders(sent).WithExposedHeaders(shown).SetPreflightMaxAge(TimeSpan.FromMinutes(10))));
    }

    /// <summary>Answers other sites' pages, when any are admitted; otherwise says nothing, and browsers keep them out.</summary>
    public static void UseCrossOrigin(this WebApplication app)
    {
        if (Origins(app.Configuration).Length > 0)
        {
            app.UseCors();
        }
    }

    /// <summary>The origins of the settings: a list, or one text with commas.</summary>
    public static string[] Origins(IConfiguration settings) => settings[Setting] is { Length: > 0 } text
        ? text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
        : settings.GetSection(Setting).Get<string[]>() ?? [];

    private static bool IsOrigin(string text) => Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && (uri.Scheme is "https" or "http")
        && !text.Contains('*', StringComparison.Ordinal)
        && string.Equals(text, uri.GetLeftPart(UriPartial.Authority), StringComparison.OrdinalIgnoreCase)
        && uri.UserInfo.Length == 0;
}

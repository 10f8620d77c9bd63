using Crm.Projections;
using Crm.Web.Http;

namespace Crm.Web.Reports;

/// <summary><c>GET /reports/trend</c></summary>
public static class TrendEndpoint
{
    private static readonly string[] metrics = [.. Activity.Metrics.Keys];

    /// <summary>Its query parameters.</summary>
    public static QueryParameter[] Query { get; } =
    [
        new("metric", ParameterKind.Word, "What is counted.") { Words = metrics, Required = true },
        new("interval", ParameterKind.Word, "How long the intervals are; day unless told. Weeks are those of ISO 8601.") { Words = ["day", "week", "month"] },
        .. ReportPeriod.Query,
    ];

    /// <summary>How often something happened, per interval.</summary>
    public static async Task<IResult> Handle(HttpContext http, ReadModels models, ReadHeaders read, CancellationToken ct)
    {
        var query = http.Request.Query;
        var metric = query.Word("metric", metrics) ?? throw QueryParameters.Wrong("metric", "required", $"is required: one of {string.Join(", ", metrics)}.");
        var interval = query.Word("interval", "day", "week", "month") switch
        {
            "week" => TrendInterval.Week,
            "month" => TrendInterval.Month,
            _ => TrendInterval.Day, // "day" or not told: Word lets no other through
        };
        var period = ReportPeriod.Of(query);
        await read.Follow(http, "activity", ct);
        var visible = await read.Visible(http, "lead_board", ct);
        return Answers.Json(new ReportBody<TrendPoint>(await Activity.Trend(models.Database, metric, interval, period, visible, ct)), ReportsJson.Wire.Trend);
    }
}

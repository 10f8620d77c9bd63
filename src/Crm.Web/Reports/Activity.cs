using Crm.Projections;
using Crm.Web.Http;

namespace Crm.Web.Reports;

/// <summary><c>GET /reports/activity</c></summary>
public static class ActivityEndpoint
{
    /// <summary>Its query parameters.</summary>
    public static QueryParameter[] Query { get; } =
        [.. ReportPeriod.Query, new("actor", ParameterKind.Text, "Only what this actor did.")];

    /// <summary>How often what happened.</summary>
    public static async Task<IResult> Handle(HttpContext http, ReadModels models, ReadHeaders read, CancellationToken ct)
    {
        var period = ReportPeriod.Of(http.Request.Query);
        await read.Follow(http, "activity", ct);
        var visible = await read.Visible(http, "lead_board", ct);
        return Answers.Json(await Activity.Read(models.Database, period, visible, ct, http.Request.Query.Text("actor")), ReportsJson.Wire.ActivityReport);
    }
}

using Crm.Projections;
using Crm.Web.Http;

namespace Crm.Web.Reports;

/// <summary><c>GET /reports/response-times</c></summary>
public static class ResponseTimesEndpoint
{
    /// <summary>How long leads waited for us.</summary>
    public static async Task<IResult> Handle(HttpContext http, ReadModels models, ReadHeaders read, CancellationToken ct)
    {
        var period = ReportPeriod.Of(http.Request.Query);
        await read.Follow(http, "response_times", ct);
        var visible = await read.Visible(http, "lead_board", ct);
        return Answers.Json(await ResponseTimes.Read(models.Database, period, visible, ct), ReportsJson.Wire.ResponseReport);
    }
}

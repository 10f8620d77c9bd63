using Crm.Projections;
using Crm.Web.Http;

namespace Crm.Web.Reports;

/// <summary><c>GET /reports/funnel</c></summary>
public static class FunnelEndpoint
{
    /// <summary>Per status: entered, now, converted onward, median time in it.</summary>
    public static async Task<IResult> Handle(HttpContext http, ReadModels models, ReadHeaders read, CancellationToken ct)
    {
        var period = ReportPeriod.Of(http.Request.Query);
        await read.Follow(http, "funnel", ct);
        var visible = await read.Visible(http, "lead_board", ct);
        return Answers.Json(new ReportBody<FunnelLine>(await Funnel.Read(models.Database, period, visible, ct)), ReportsJson.Wire.Funnel);
    }
}

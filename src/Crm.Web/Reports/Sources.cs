using Crm.Projections;
using Crm.Web.Http;

namespace Crm.Web.Reports;

/// <summary><c>GET /reports/sources</c></summary>
public static class SourcesEndpoint
{
    /// <summary>What came of the leads of each source.</summary>
    public static async Task<IResult> Handle(HttpContext http, ReadModels models, ReadHeaders read, CancellationToken ct)
    {
        var period = ReportPeriod.Of(http.Request.Query);
        await read.Follow(http, "sources", ct);
        var visible = await read.Visible(http, "lead_board", ct);
        return Answers.Json(new ReportBody<SourceLine>(await Sources.Read(models.Database, period, visible, ct)), ReportsJson.Wire.Sources);
    }
}

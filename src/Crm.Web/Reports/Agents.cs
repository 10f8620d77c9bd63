using Crm.Projections;
using Crm.Web.Http;

namespace Crm.Web.Reports;

/// <summary><c>GET /reports/agents</c></summary>
public static class AgentsEndpoint
{
    /// <summary>What agents own and did.</summary>
    public static async Task<IResult> Handle(HttpContext http, ReadModels models, ReadHeaders read, CancellationToken ct)
    {
        var period = ReportPeriod.Of(http.Request.Query);
        await read.Follow(http, "agents", ct);
        var visible = await read.Visible(http, "lead_board", ct);
        return Answers.Json(new ReportBody<AgentLine>(await Agents.Read(models.Database, period, visible, ct)), ReportsJson.Wire.Agents);
    }
}

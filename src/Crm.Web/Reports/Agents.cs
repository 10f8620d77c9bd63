using Crm.Projections;
using Crm.Web.Http;
using Npgsql;

namespace Crm.Web.Reports;

/// <summary><c>GET /reports/agents</c></summary>
public static class AgentsEndpoint
{
    /// <summary>What agents own and did.</summary>
    public static async Task<IResult> Handle(HttpContext http, NpgsqlDataSource database, ReadHeaders read, CancellationToken ct)
    {
        var period = ReportPeriod.Of(http.Request.Query);
        await read.Follow(http, "agents", ct);
        return Answers.Json(new ReportBody<AgentLine>(await Agents.Read(database, period, ct)), ReportsJson.Wire.Agents);
    }
}

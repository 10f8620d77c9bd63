using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Web.Http;
using Npgsql;

namespace Crm.Web.Operations;

/// <summary>Where every projection stands.</summary>
/// <param name="LogPosition">The log's last position.</param>
/// <param name="Items">The projections, by name.</param>
public sealed record ProjectionsBody(long LogPosition, IReadOnlyList<ProjectionStatus> Items);

/// <summary><c>GET /ops/projections</c></summary>
public static class ProjectionsEndpoint
{
    /// <summary>Says where every projection stands.</summary>
    public static async Task<IResult> Handle(HttpContext http, NpgsqlDataSource database, EventLog log, CancellationToken ct)
    {
        var end = await log.LastPosition(ct);
        ReadHeaders.Says(http, end);
        return Answers.Json(new ProjectionsBody(end, await ProjectionStatus.List(database, ct)), OperationsJson.Wire.ProjectionsBody);
    }
}

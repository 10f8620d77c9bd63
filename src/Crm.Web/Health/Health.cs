using System.Text.Json.Serialization;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Projections;
using Crm.Web.Audit;
using Crm.Web.Http;
using Crm.Web.Metrics;
using Npgsql;

namespace Crm.Web.Health;

/// <summary>How well the host is.</summary>
/// <param name="Status">
/// <c>ok</c>, <c>degraded</c> (a projection stands still, streams are parked, the pool is nearly used up, the history is not what was
/// signed), or <c>unavailable</c>.
/// </param>
/// <param name="Timestamp">When it was looked at.</param>
/// <param name="Database"><c>connected</c> or <c>unreachable</c>.</param>
/// <param name="LogPosition">The log's last position; null while the database cannot be reached.</param>
/// <param name="Pool">The connections.</param>
/// <param name="Projections">The projections; empty while the database cannot be reached.</param>
/// <param name="Audit">The provable history; null while the database cannot be reached.</param>
public sealed record HealthBody(
    string Status, DateTimeOffset Timestamp, string Database, long? LogPosition, PoolBody Pool, IReadOnlyList<ProjectionHealth> Projections,
    AuditStatus? Audit);

/// <summary>The connections to the database.</summary>
/// <param name="InUse">Connections that work at this moment.</param>
/// <param name="Open">Connections that are open.</param>
/// <param name="Max">The most there may be.</param>
/// <param name="Utilisation">In use of the most, 0–1.</param>
public sealed record PoolBody(long InUse, long Open, long Max, double Utilisation);

/// <summary>How far a projection is behind.</summary>
public sealed record ProjectionHealth(string Name, long Position, long Lag, long ParkedStreams, string? Error);

/// <summary>A process that answers.</summary>
public sealed record AliveBody(string Status, DateTimeOffset Timestamp);

/// <summary>The JSON of health, source-generated.</summary>
[JsonSerializable(typeof(HealthBody))]
[JsonSerializable(typeof(AliveBody))]
public sealed partial class HealthJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static HealthJson Wire { get; } = new(WireFormats.Options());
}

/// <summary><c>GET /health</c></summary>
public static class HealthEndpoint
{
    private const double NearlyUsedUp = 0.8;
    private static readonly TimeSpan patience = TimeSpan.FromMilliseconds(90);

    /// <summary>Looks at database, pool and projections; answers within 100 ms whatever their state.</summary>
    public static async Task<IResult> Handle(HttpContext http, NpgsqlDataSource database, PoolMetrics pool, AuditFollower audit, CancellationToken ct)
    {
        var body = await Look(RequestHeaders.Now(http), database, pool.Read(), audit.Fault, ct);
        http.Response.Headers.CacheControl = "no-store";
        http.Response.StatusCode = body.Status == "unavailable" ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK;
        return Answers.Json(body, HealthJson.Wire.HealthBody);
    }

    private static async Task<HealthBody> Look(DateTimeOffset now, NpgsqlDataSource database, PoolBody pool, string? treeFault, CancellationToken ct)
    {
        try
        {
            var (reading, auditing) = (ProjectionStatus.List(database, ct), AuditVerifications.Status(database, ct));
            await Task.WhenAll(reading, auditing).WaitAsync(patience, ct);
            var (projections, audit) = (await reading, await auditing);
            var position = projections.Select(projection => projection.Position + projection.Lag).DefaultIfEmpty(0).Max();
            var named = projections.Select(static projection => projection.Name).ToHashSet(StringComparer.Ordinal);
            var well = pool.Utilisation < NearlyUsedUp && treeFault is null && audit.Sound is not false
                && ProjectionList.All.All(projection => named.Contains(projection.Name)) // one that nobody has taken up yet has no row
                && projections.All(projection => projection is { Error: null, ParkedStreams: 0, Holder: not null });
            return new HealthBody(well ? "ok" : "degraded", now, "connected", position, pool,
                [.. projections.Select(projection => new ProjectionHealth(
                    projection.Name, projection.Position, projection.Lag, projection.ParkedStreams, projection.Error))],
                audit with { Error = treeFault });
        }
        catch (Exception fault) when (fault is NpgsqlException or TimeoutException or System.Net.Sockets.SocketException or LogUnavailableException)
        {
            return new HealthBody("unavailable", now, "unreachable", LogPosition: null, pool, [], Audit: null);
        }
    }
}

/// <summary><c>GET /health/live</c></summary>
public static class LiveEndpoint
{
    /// <summary>Answers as long as the process runs.</summary>
    public static IResult Handle(HttpContext http) => Answers.Json(new AliveBody("ok", RequestHeaders.Now(http)), HealthJson.Wire.AliveBody);
}

/// <summary><c>GET /health/ready</c></summary>
public static class ReadyEndpoint
{
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(1);

    /// <summary>Answers 200 when the log can be reached, 503 otherwise.</summary>
    public static async Task<IResult> Handle(HttpContext http, EventLog log, CancellationToken ct)
    {
        try
        {
            await log.LastPosition(ct).WaitAsync(patience, ct);
            return Answers.Json(new AliveBody("ok", RequestHeaders.Now(http)), HealthJson.Wire.AliveBody);
        }
        catch (Exception fault) when (fault is NpgsqlException or TimeoutException or System.Net.Sockets.SocketException or LogUnavailableException)
        {
            return Problem.Unavailable("The database cannot be reached.").ToHttp();
        }
    }
}

using System.Text.Json.Serialization;
using Crm.Projections;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Reports;

/// <summary>The routes of reports.</summary>
public static class ReportRoutes
{
    /// <summary>Maps them.</summary>
    public static void MapReports(this IEndpointRouteBuilder api)
    {
        var reports = api.MapGroup("/reports").WithTags("Reports").RequireAuthorization(Policies.Reports).WithMetadata(new FollowsLog());
        reports.MapGet("/funnel", FunnelEndpoint.Handle).Takes(ReportPeriod.Query).Produces<ReportBody<FunnelLine>>()
            .WithSummary("Per status: entered, now, converted onward, median time in status.");
        reports.MapGet("/sources", SourcesEndpoint.Handle).Takes(ReportPeriod.Query).Produces<ReportBody<SourceLine>>()
            .WithSummary("What came of the leads of each source.");
        reports.MapGet("/agents", AgentsEndpoint.Handle).Takes(ReportPeriod.Query).Produces<ReportBody<AgentLine>>()
            .WithSummary("What agents own and did.");
        reports.MapGet("/activity", ActivityEndpoint.Handle).Takes(ActivityEndpoint.Query).Produces<ActivityReport>()
            .WithSummary("How often what happened.");
        reports.MapGet("/response-times", ResponseTimesEndpoint.Handle).Takes(ReportPeriod.Query).Produces<ResponseReport>()
            .WithSummary("How long leads waited for us.");
        reports.MapGet("/trend", TrendEndpoint.Handle).Takes(TrendEndpoint.Query).Produces<ReportBody<TrendPoint>>()
            .WithSummary("How often something happened, per interval.");
    }
}

/// <summary>The lines of a report.</summary>
public sealed record ReportBody<TLine>(IReadOnlyList<TLine> Items);

/// <summary>The JSON of reports, source-generated.</summary>
[JsonSerializable(typeof(ReportBody<FunnelLine>), TypeInfoPropertyName = "Funnel")]
[JsonSerializable(typeof(ReportBody<SourceLine>), TypeInfoPropertyName = "Sources")]
[JsonSerializable(typeof(ReportBody<AgentLine>), TypeInfoPropertyName = "Agents")]
[JsonSerializable(typeof(ReportBody<TrendPoint>), TypeInfoPropertyName = "Trend")]
[JsonSerializable(typeof(ActivityReport))]
[JsonSerializable(typeof(ResponseReport))]
public sealed partial class ReportsJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static ReportsJson Wire { get; } = new(WireFormats.Options());
}

/// <summary>What a report covers, as a request says it.</summary>
public static class ReportPeriod
{
    /// <summary>The query parameters.</summary>
    public static QueryParameter[] Query { get; } =
    [
        new("from", ParameterKind.Time, "What happened at this time or later."),
        new("to", ParameterKind.Time, "What happened at this time or before."),
        .. ReadHeaders.TimeTravel,
    ];

    /// <summary>The period that a request asks for.</summary>
    /// <exception cref="ProblemException">A parameter is wrong.</exception>
    public static Period Of(IQueryCollection query)
    {
        var period = new Period(query.Time("from"), query.Time("to"), ReadHeaders.Moment(query));
        return period.From > period.To ? throw QueryParameters.Wrong("to", "contradiction", "lies before from.") : period;
    }
}

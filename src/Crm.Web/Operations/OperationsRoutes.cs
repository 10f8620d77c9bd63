using Crm.EventStore.Projections;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Operations;

/// <summary>The operators' routes.</summary>
public static class OperationsRoutes
{
    /// <summary>Maps them.</summary>
    public static void MapOperations(this IEndpointRouteBuilder api)
    {
        var ops = api.MapGroup("/ops").WithTags("Operations").RequireAuthorization(Policies.Ops);
        ops.MapGet("/projections", ProjectionsEndpoint.Handle).Produces<ProjectionsBody>().WithSummary("Where every projection stands.");
        ops.MapPost("/projections/{name}/rebuild", RebuildProjectionEndpoint.Handle).Produces<JobBody>(202)
            .WithSummary("Rebuild a read model beside the live one, then switch.");
        ops.MapGet("/jobs/{id:guid}", JobEndpoint.Handle).Produces<JobBody>().WithSummary("How far a job is.");
        ops.MapGet("/integrity", IntegrityEndpoint.Handle).Produces<IntegrityBody>()
            .WithSummary("The data-integrity checks, each with its count of offenders.");
        ops.MapPost("/integrity", RunIntegrityEndpoint.Handle).Produces<JobBody>(202).WithSummary("Run the data-integrity checks anew.");
        ops.MapPost("/undo", UndoLeadsEndpoint.Handle).RequireAuthorization(Policies.Undo).Produces<JobBody>(202)
            .WithSummary("Take back what somebody did to leads in a window of time; what others changed since is kept.");
        ops.MapGet("/parked", ParkedEndpoint.Handle).Takes(ParkedEndpoint.Query).Produces<ParkedBody>()
            .WithSummary("What projections could not apply.");
        ops.MapPost("/parked/{id:long}/retry", RetryParkedEndpoint.Handle).Produces<RetryOutcome>()
            .WithSummary("Apply what queued behind a parked event, in order.");
    }
}

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
        ops.MapGet("/projections", ProjectionsEndpoint.Handle);
        ops.MapPost("/projections/{name}/rebuild", RebuildProjectionEndpoint.Handle);
        ops.MapGet("/jobs/{id:guid}", JobEndpoint.Handle);
        ops.MapGet("/parked", ParkedEndpoint.Handle).Takes(ParkedEndpoint.Query);
        ops.MapPost("/parked/{id:long}/retry", RetryParkedEndpoint.Handle);
    }
}

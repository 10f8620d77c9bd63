using System.Text.Json.Serialization;
using Crm.Domain.Access;
using Crm.Projections;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Audit;

/// <summary>The JSON of the audit trail, source-generated.</summary>
[JsonSerializable(typeof(AuditPage))]
[JsonSerializable(typeof(AuditDiffBody))]
public sealed partial class AuditJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static AuditJson Wire { get; } = new(WireFormats.Options());
}

/// <summary><c>GET /audit/events</c></summary>
public static class AuditEventsEndpoint
{
    /// <summary>Its query parameters.</summary>
    public static QueryParameter[] Query { get; } =
    [
        new("actor", ParameterKind.Text, "Only what this actor did."),
        new("type", ParameterKind.Text, "Only events of this stored name, such as lead-qualified."),
        new("streamId", ParameterKind.Id, "Only events of this stream."),
        new("from", ParameterKind.Time, "Only what happened at this time or later."),
        new("to", ParameterKind.Time, "Only what happened at this time or before."),
        new("operationId", ParameterKind.Text, "Only what was part of this operation."),
        new("limit", ParameterKind.Number, "At most so many events, 1–200; 25 unless told."),
        new("cursor", ParameterKind.Text, "Where the page goes on: the nextCursor of the page before."),
    ];

    /// <summary>Reads the audit trail over all streams.</summary>
    public static async Task<IResult> Handle(HttpContext http, ReadModels models, ReadHeaders read, SensitiveReads reads, CancellationToken ct)
    {
        var query = http.Request.Query;
        var asked = new AuditQuery
        {
            Actor = query.Text("actor"),
            Type = query.Text("type"),
            StreamId = query.Id("streamId"),
            From = query.Time("from"),
            To = query.Time("to"),
            OperationId = query.Text("operationId"),
            Limit = (int)(query.Number("limit", 1, LeadQuery.MostPerPage) ?? 25),
            Cursor = query.Text("cursor", 2_000),
        };
        await read.Follow(http, "audit_trail", ct);
        if (asked.Cursor is null)
        {
            await reads.Record(http, SensitiveSubject.Audit, subjectId: null, ct);
        }

        try
        {
            return Answers.Json(await AuditTrail.Page(models.Database, asked, ct), AuditJson.Wire.AuditPage);
        }
        catch (BadCursorException bad)
        {
            throw QueryParameters.Wrong("cursor", "invalid-cursor", bad.Message);
        }
    }

    /// <summary>Maps the routes of the audit trail.</summary>
    public static void MapAudit(this IEndpointRouteBuilder api)
    {
        api.MapGet("/audit/events", Handle).WithTags("Audit").RequireAuthorization(Policies.Audit).WithMetadata(new FollowsLog()).Takes(Query)
            .Produces<AuditPage>().WithSummary("The audit trail over all streams, newest first.");
        api.MapGet("/audit/diff", AuditDiffEndpoint.Handle).WithTags("Audit").RequireAuthorization(Policies.Audit)
            .WithMetadata(new FollowsLog()).Takes(AuditDiffEndpoint.Query).Produces<AuditDiffBody>()
            .WithSummary("What changed between two moments, by actor, kind and hour: where damage began.");
    }
}

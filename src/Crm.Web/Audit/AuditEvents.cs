using System.Text;
using System.Text.Json.Serialization;
using Crm.Projections;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Audit;

/// <summary>An event as the audit trail keeps it: who, when, why, and field by field what changed.</summary>
public sealed record AuditItem(
    long Position,
    Guid StreamId,
    string StreamType,
    long Version,
    string Type,
    DateTimeOffset At,
    DateTimeOffset RecordedAt,
    string? Actor,
    string? OnBehalfOf,
    string? Reason,
    string? OperationId,
    string? CorrelationId,
    string? CausationId,
    string? ApiKeyId,
    RawJson Changes);

/// <summary>A page of the audit trail, newest first.</summary>
/// <param name="Items">The events.</param>
/// <param name="NextCursor">Where the next page goes on; null after the last.</param>
public sealed record AuditBody(IReadOnlyList<AuditItem> Items, string? NextCursor);

/// <summary>The JSON of the audit trail, source-generated.</summary>
[JsonSerializable(typeof(AuditBody))]
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
    public static async Task<IResult> Handle(HttpContext http, ReadModels models, ReadHeaders read, CancellationToken ct)
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
        try
        {
            var page = await AuditTrail.Page(models.Database, asked, ct);
            return Answers.Json(new AuditBody([.. page.Items.Select(ItemOf)], page.NextCursor), AuditJson.Wire.AuditBody);
        }
        catch (BadCursorException bad)
        {
            throw QueryParameters.Wrong("cursor", "invalid-cursor", bad.Message);
        }
    }

    /// <summary>Maps the routes of the audit trail.</summary>
    public static void MapAudit(this IEndpointRouteBuilder api) =>
        api.MapGet("/audit/events", Handle).WithTags("Audit").RequireAuthorization(Policies.Audit).WithMetadata(new FollowsLog()).Takes(Query)
            .Produces<AuditBody>().WithSummary("The audit trail over all streams, newest first.");

    private static AuditItem ItemOf(AuditEntry entry) => new(
        entry.Position,
        entry.StreamId,
        entry.StreamType,
        entry.Version,
        entry.Type,
        entry.At,
        entry.RecordedAt,
        entry.Actor,
        entry.OnBehalfOf,
        entry.Reason,
        entry.OperationId,
        entry.CorrelationId,
        entry.CausationId,
        entry.ApiKeyId,
        new RawJson(Encoding.UTF8.GetBytes(entry.Changes)));
}

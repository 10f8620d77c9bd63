using Crm.Domain.Access;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Projections;
using Crm.Web.Http;
using Crm.Web.Operations;
using Crm.Web.Security;

namespace Crm.Web.Audit;

/// <summary>What changed between two moments.</summary>
/// <param name="From">The first moment.</param>
/// <param name="To">The second.</param>
/// <param name="Diff">What the trail tells: counts by actor, kind and hour.</param>
/// <param name="Lead">Field by field what changed of one lead; null where none was named.</param>
public sealed record AuditDiffBody(DateTimeOffset From, DateTimeOffset To, AuditDiff Diff, IReadOnlyList<FieldChange>? Lead);

/// <summary><c>GET /audit/diff</c></summary>
public static class AuditDiffEndpoint
{
    /// <summary>Its query parameters.</summary>
    public static QueryParameter[] Query { get; } =
    [
        new("from", ParameterKind.Time, "The first moment, by the log's clock.") { Required = true },
        new("to", ParameterKind.Time, "The second moment; now unless told."),
        new("actor", ParameterKind.Text, "Only what this actor did."),
        new("type", ParameterKind.Text, "Only events of this stored name, such as lead-archived."),
        new("leadId", ParameterKind.Id, "Also field by field what changed of this lead."),
    ];

    /// <summary>Says what changed between two moments, by actor, kind and hour.</summary>
    public static async Task<IResult> Handle(
        HttpContext http, ReadModels models, EventLog log, ReadHeaders read, SensitiveReads reads, TimeProvider clock, CancellationToken ct)
    {
        var query = http.Request.Query;
        var from = query.Time("from") ?? throw QueryParameters.Wrong("from", "required", "is required.");
        var to = query.Time("to") ?? clock.GetUtcNow();
        if (to < from)
        {
            throw QueryParameters.Wrong("to", "out-of-range", "lies before from.");
        }

        var (actor, type, lead) = (query.Text("actor"), query.Text("type"), query.Id("leadId"));
        await read.Follow(http, "audit_trail", ct);
        await reads.Record(http, SensitiveSubject.Audit, lead, ct);
        var (after, upTo) = await UndoPlans.Positions(log, from, to, await log.LastPosition(ct), ct);
        return Answers.Json(
            new AuditDiffBody(
                from,
                to,
                await AuditTrail.Diff(models.Database, after, upTo, actor, type, ct),
                lead is { } id ? await Changed(log, id, after, upTo, ct) : null),
            AuditJson.Wire.AuditDiffBody);
    }

    /// <summary>Field by field what changed of a lead between two positions.</summary>
    internal static async Task<IReadOnlyList<FieldChange>> Changed(EventLog log, Guid lead, long after, long upTo, CancellationToken ct)
    {
        var history = await log.ReadStreamUpTo(lead, upTo, ct);
        Lead At(long position) => Lead.Aggregate.Fold(
            history.Where(recorded => recorded.Position <= position).Select(static recorded => recorded.Data).OfType<LeadEvent>());
        return Changes.Between(At(after), At(upTo));
    }
}

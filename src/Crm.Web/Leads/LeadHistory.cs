using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Projections;
using Crm.Web.Http;

namespace Crm.Web.Leads;

/// <summary>An event of a lead's history.</summary>
public sealed record HistoryItem(
    long Position,
    long Version,
    string Type,
    DateTimeOffset At,
    DateTimeOffset RecordedAt,
    string? Actor,
    string? Reason,
    string? CorrelationId,
    string? OperationId,
    RawJson Data,
    IReadOnlyList<FieldChange> Changes,
    bool Erased);

/// <summary>A lead's history in order.</summary>
public sealed record HistoryBody(IReadOnlyList<HistoryItem> Items);

/// <summary><c>GET /leads/{id}/history</c></summary>
public static class LeadHistoryEndpoint
{
    /// <summary>Reads a lead's events, each with what it changed.</summary>
    public static async Task<IResult> Handle(Guid id, HttpContext http, EventLog log, ReadHeaders read, CancellationToken ct)
    {
        await read.FollowLog(http, ct);
        var history = await ReadLeadEndpoint.History(id, http, log, ct);
        if (history is [] or [{ Data: not LeadEvent }, ..])
        {
            throw ReadLeadEndpoint.NotFound();
        }

        var items = new List<HistoryItem>(history.Count);
        var lead = Lead.Initial;
        foreach (var recorded in history)
        {
            var after = Lead.Evolve(lead, (LeadEvent)recorded.Data);
            items.Add(new HistoryItem(
                recorded.Position,
                recorded.Version,
                recorded.Type,
                recorded.At,
                recorded.RecordedAt,
                recorded.Envelope.Actor,
                recorded.Envelope.Reason,
                recorded.Envelope.CorrelationId,
                recorded.Envelope.OperationId,
                new RawJson(log.Catalog.Serialize(recorded.Data)),
                Changes.Between(lead, after),
                recorded.IsErased));
            lead = after;
        }

        return Answers.Json(new HistoryBody(items), LeadsJson.Wire.HistoryBody);
    }
}

using System.Globalization;
using Crm.Application.Import;
using Crm.Application.Undo;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Projections;
using Npgsql;

namespace Crm.Web.Operations;

/// <summary>Whose deeds are to be undone, and in which window of time by the log's clock.</summary>
/// <param name="Selection">Whose.</param>
/// <param name="From">Recorded at this time or later; null: from the beginning.</param>
/// <param name="To">Recorded at this time or before; null: until now.</param>
internal sealed record UndoWindow(AuditSelection Selection, DateTimeOffset? From, DateTimeOffset? To)
{
    /// <summary>The operation that an undo of this window is: the same each time, so that a repetition has the same name.</summary>
    public string OperationId => DerivedId.Of(
        "undo", Selection.Actor ?? "", Selection.ApiKeyId ?? "", Selection.CorrelationId ?? "", Selection.OperationId ?? "",
        Text(From), Text(To)).ToString();

    private static string Text(DateTimeOffset? time) => time?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture) ?? "";
}

/// <summary>Finds what an undo would touch: the same for the route and for the verb.</summary>
internal static class UndoPlans
{
    /// <summary>Looks up the window's events and groups them by lead.</summary>
    public static async Task<UndoPlan> Make(
        NpgsqlDataSource database, EventLog log, UndoWindow window, Envelope envelope, DateTimeOffset now, bool dryRun,
        CancellationToken ct)
    {
        var end = await log.LastPosition(ct);
        var (after, upTo) = await Positions(log, window.From, window.To, end, ct);
        var found = await AuditTrail.Select(database, log, window.Selection with { After = after, UpTo = upTo }, ct);
        var unwanted = new Dictionary<Guid, HashSet<long>>();
        var others = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var selected in found)
        {
            if (selected.StreamType != Lead.Aggregate.StreamType)
            {
                others[selected.StreamType] = others.GetValueOrDefault(selected.StreamType) + 1;
                continue;
            }

            if (!unwanted.TryGetValue(selected.StreamId, out var positions))
            {
                unwanted.Add(selected.StreamId, positions = []);
            }

            positions.Add(selected.Position);
        }

        return new UndoPlan(
            window.OperationId, unwanted, others, upTo, envelope, now, dryRun,
            ReversesReversals: window.Selection.OperationId is not null);
    }

    /// <summary>The positions of a window of the log's own time: after the first, up to the second.</summary>
    public static async Task<(long After, long UpTo)> Positions(
        EventLog log, DateTimeOffset? from, DateTimeOffset? to, long end, CancellationToken ct) => (
            from is { } begin ? await log.PositionAt(begin.AddMicroseconds(-1), ct) : 0,
            to is { } until ? Math.Min(end, await log.PositionAt(until, ct)) : end);
}

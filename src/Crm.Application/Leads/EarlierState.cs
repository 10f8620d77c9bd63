using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Leads;

/// <summary>A lead as it stood earlier, from its history: what a restoration goes back to.</summary>
public static class EarlierState
{
    /// <summary>Goes back to a version.</summary>
    public static RestoreLead RestoreToVersion(IReadOnlyList<StreamEvent> history, long version, string? reason) =>
        version < 1 || version > history.Count
            ? new RestoreLead(Lead.Initial, version, reason)
            : Restore(history, (int)version, reason);

    /// <summary>Goes back to a time: past the last of the events that, like all before them, had happened by then.</summary>
    public static RestoreLead RestoreToTime(IReadOnlyList<StreamEvent> history, DateTimeOffset asOf, string? reason) =>
        Restore(history, history.TakeWhile(recorded => recorded.At <= asOf).Count(), reason);

    private static RestoreLead Restore(IReadOnlyList<StreamEvent> history, int version, string? reason) => new(
        Lead.Aggregate.Fold(history.Take(version).Select(recorded => (LeadEvent)recorded.Data)), version, reason);
}

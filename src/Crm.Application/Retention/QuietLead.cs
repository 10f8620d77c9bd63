using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Retention;

/// <summary>A lead as retention looks at it.</summary>
/// <param name="Lead">The lead.</param>
/// <param name="LastActivity">When something was last done with it.</param>
/// <param name="PutAwayAt">When it was put away; null where it is not.</param>
public sealed record QuietLead(Lead Lead, DateTimeOffset LastActivity, DateTimeOffset? PutAwayAt)
{
    /// <summary>The lead after its history.</summary>
    public static QuietLead Of(IEnumerable<RecordedEvent> history)
    {
        var quiet = new QuietLead(Lead.Initial, DateTimeOffset.MinValue, PutAwayAt: null);
        foreach (var recorded in history)
        {
            var after = Lead.Evolve(quiet.Lead, (LeadEvent)recorded.Data);
            var putAwayAt = !after.IsArchived ? null : quiet.Lead.IsArchived ? quiet.PutAwayAt : recorded.At as DateTimeOffset?;
            var isLater = IsActivity(recorded) && recorded.At > quiet.LastActivity;
            quiet = new QuietLead(after, isLater ? recorded.At : quiet.LastActivity, putAwayAt);
        }

        return quiet;
    }

    /// <summary>
    /// Whether an event is work on the lead. Putting it away is not, and neither is what rules and repairs do by themselves.
    /// </summary>
    public static bool IsActivity(RecordedEvent recorded) =>
        recorded.Data is not LeadArchived && !IsOfItself(recorded);

    /// <summary>Whether rules or repairs did it by themselves.</summary>
    public static bool IsOfItself(RecordedEvent recorded) => recorded.Data is LeadScoreChanged or LeadCaptureTimeCorrected;
}

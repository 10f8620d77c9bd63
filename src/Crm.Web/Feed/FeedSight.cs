using System.Collections.Concurrent;
using Crm.Application.Permissions;
using Crm.Domain.Access;
using Crm.Domain.Leads;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Projections;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Feed;

/// <summary>A stretch of the log as one caller sees it.</summary>
/// <param name="Events">The events that the caller may see, in order of position.</param>
/// <param name="ReadTo">The position up to which the log was looked through: there the caller goes on.</param>
public sealed record FeedSlice(IReadOnlyList<RecordedEvent> Events, long ReadTo);

/// <summary>
/// What of the change feed a caller sees: admins and auditors everything, managers and agents the events of the leads that are theirs to
/// see today. Whose a lead is, the lead board says; so for those the feed goes as far as the board does, and skips nothing.
/// </summary>
public sealed class FeedSight(ReadModels models, ProjectionProgress progress, SensitiveReads reads, TimeProvider clock)
{
    private const string Board = "lead_board";

    private readonly ConcurrentDictionary<string, long> looked = new(StringComparer.Ordinal);

    /// <summary>Whether a caller sees the events of all streams, those of users and sign-ins too.</summary>
    public static bool SeesEverything(Scope scope) => scope.Role is Role.Admin or Role.Auditor;

    /// <summary>
    /// Records that somebody looks at everything: once an hour for each caller on a host, since a fact for each page would itself be a
    /// page's worth of events.
    /// </summary>
    public async Task Record(HttpContext http, CancellationToken ct)
    {
        if (!SeesEverything(http.User.Scope()))
        {
            return;
        }

        var caller = http.User.FindFirst(RequestHeaders.ApiKey)?.Value ?? http.User.UserId().ToString();
        var hour = clock.GetUtcNow().Ticks / TimeSpan.TicksPerHour;
        if (looked.TryGetValue(caller, out var last) && last == hour)
        {
            return;
        }

        await reads.Record(http, SensitiveSubject.Audit, subjectId: null, ct);
        looked[caller] = hour;
    }

    /// <summary>What a caller sees of a stretch of the log.</summary>
    /// <param name="scope">The caller's rights now.</param>
    /// <param name="after">The position after which the stretch begins.</param>
    /// <param name="events">The stretch, in order of position, without a hole.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<FeedSlice> Of(Scope scope, long after, IReadOnlyList<RecordedEvent> events, CancellationToken ct)
    {
        if (events.Count == 0 || SeesEverything(scope))
        {
            return new FeedSlice(events, events is [.., var last] ? last.Position : after);
        }

        var readTo = Math.Min(events[^1].Position, await progress.Position(Board, ct));
        var ofLeads = events.Where(recorded => recorded.Position <= readTo && recorded.Data is LeadEvent).ToList();
        if (ofLeads.Count == 0)
        {
            return new FeedSlice([], Math.Max(after, readTo));
        }

        var visible = scope.SeesAll ? Visibility.All : Visibility.Of(scope.Team);
        var leads = await LeadBoard.WhichAreVisible(
            models.Database, [.. ofLeads.Select(static recorded => recorded.StreamId).Distinct()], visible, ct);
        return new FeedSlice([.. ofLeads.Where(recorded => leads.Contains(recorded.StreamId))], readTo);
    }
}

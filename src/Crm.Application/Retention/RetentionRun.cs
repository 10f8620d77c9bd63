using System.Globalization;
using Crm.Application.Leads;
using Crm.Domain;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Retention;

/// <summary>
/// Puts away and erases what the rules say is due, by the commands that people use, lead by lead. A dry run says what is due and is kept;
/// a run works out the same from the log as it stood then, leaves alone what something has happened to since, and does nothing else.
/// Interrupted, it is run again and comes to the same. Decided on the log, so that no read model that is behind can make anybody be
/// forgotten too early.
/// </summary>
public sealed class RetentionRun(EventLog log, CommandRunner commands)
{
    /// <summary>Who does it, as the log has it.</summary>
    public const string Actor = "retention";

    /// <summary>The scope of the bookmarks that runs leave.</summary>
    public const string Scope = "retention";

    /// <summary>The bookmark of the last run.</summary>
    public const string LastRun = "last-run";

    private const string LastPlan = "dry-run";
    private const int PageSize = 500;
    private const int AtOnce = 16;

    private enum Found
    {
        Nothing,
        Due,
        DoneBefore,
        MovedOn,
        Unreadable,
    }

    /// <summary>What the last dry run found; null when there was none.</summary>
    public async Task<RetentionPlan?> Plan(CancellationToken ct) =>
        await log.ReadBookmark(Scope, LastPlan, ct) is { } kept ? RetentionPlan.Of(kept) : null;

    /// <summary>The dry run: says what is due now, and keeps it for a run.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="now">The time.</param>
    /// <param name="progress">Told how many leads have been looked at; null for nobody.</param>
    /// <param name="ct">Stops it; nothing is kept then.</param>
    public async Task<RetentionReport> TryOut(RetentionRules rules, DateTimeOffset now, IProgress<long>? progress, CancellationToken ct)
    {
        var plan = new RetentionPlan(Guid.CreateVersion7(now), rules, now, await log.LastPosition(ct), 0, 0, 0);
        var report = RetentionReport.Begin(rules, dryRun: true, now, plan.Position);
        var due = new List<DueLead>();
        await foreach (var page in Pages(progress, ct))
        {
            foreach (var history in page)
            {
                var (found, quiet, step) = Look(plan, history);
                if (found == Found.Due)
                {
                    due.Add(new DueLead(history[0].StreamId, step, rules.Because(step), quiet.LastActivity, quiet.PutAwayAt));
                }

                report = Counted(report, plan, history, found == Found.Due ? null : found, step);
            }
        }

        report = report with
        {
            Archived = due.Count(static lead => lead.What == RetentionStep.Archive),
            Erased = due.Count(static lead => lead.What == RetentionStep.Erase),
            Due = due,
        };
        plan = plan with { Leads = report.Leads, Archive = report.Archived, Erase = report.Erased };
        await log.Append(new AppendCommand([], new Envelope(Actor)) { Bookmark = new Bookmark(Scope, LastPlan, plan.Text) }, ct);
        return report;
    }

    /// <summary>Carries out what a dry run found.</summary>
    /// <param name="plan">What it found.</param>
    /// <param name="now">The time of the run: when its events happen.</param>
    /// <param name="progress">Told how many leads have been looked at; null for nobody.</param>
    /// <param name="ct">Stops it between two leads.</param>
    public async Task<RetentionReport> CarryOut(RetentionPlan plan, DateTimeOffset now, IProgress<long>? progress, CancellationToken ct)
    {
        var report = RetentionReport.Begin(plan.Rules, dryRun: false, plan.At, plan.Position);
        await foreach (var page in Pages(progress, ct))
        {
            var outcomes = new (Found Found, RetentionStep Step)[page.Count];
            await Parallel.ForAsync(0, page.Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = ct }, async (place, stop) =>
                outcomes[place] = await Settle(plan, page[place], now, stop));
            foreach (var (history, outcome) in page.Zip(outcomes))
            {
                report = Counted(report, plan, history, outcome.Found, outcome.Step);
            }
        }

        // For whoever watches that it runs at all.
        var what = string.Create(CultureInfo.InvariantCulture, $"{now.UtcDateTime:O} archived={report.Archived} erased={report.Erased}");
        await log.Append(new AppendCommand([], new Envelope(Actor)) { Bookmark = new Bookmark(Scope, LastRun, what) }, ct);
        return report;
    }

    /// <summary>The time that stands in the bookmark of the last run; null where it cannot be read.</summary>
    public static DateTimeOffset? TimeOf(string bookmark) => DateTimeOffset.TryParse(
        bookmark.Split(' ')[0], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    private async IAsyncEnumerable<List<List<RecordedEvent>>> Pages(
        IProgress<long>? progress, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        var (after, looked) = (Guid.Empty, 0L);
        while (await log.ListStreams(Lead.Aggregate.StreamType, after, PageSize, ct) is [.., var last] page)
        {
            yield return [.. (await log.ReadStreamsAsStored([.. page], ct)).GroupBy(static recorded => recorded.StreamId).Select(static one => one.ToList())];
            progress?.Report(looked += page.Count);
            after = last;
        }
    }

    /// <summary>What is due for a lead by a plan, as the log stood at its position, and what has become of it since.</summary>
    private static (Found Found, QuietLead Quiet, RetentionStep Step) Look(RetentionPlan plan, List<RecordedEvent> history)
    {
        var nobody = QuietLead.Of([]);
        if (history.Exists(static recorded => recorded.Data is UnreadableEvent))
        {
            return (Found.Unreadable, nobody, default);
        }

        var quiet = QuietLead.Of(history.TakeWhile(recorded => recorded.Position <= plan.Position));
        if (plan.Rules.Due(quiet, plan.At) is not { } step)
        {
            return (Found.Nothing, quiet, default);
        }

        var since = history.Where(recorded => recorded.Position > plan.Position).ToList();
        var found = since.Exists(recorded => recorded.Envelope.OperationId == plan.Operation) ? Found.DoneBefore
            : since.TrueForAll(QuietLead.IsOfItself) ? Found.Due
            : Found.MovedOn;
        return (found, quiet, step);
    }

    /// <summary>Carries a step out on the very version that was looked at; where there is another by now, it is looked at again.</summary>
    private async Task<(Found Found, RetentionStep Step)> Settle(
        RetentionPlan plan, List<RecordedEvent> history, DateTimeOffset now, CancellationToken ct)
    {
        while (true)
        {
            var (found, _, step) = Look(plan, history);
            if (found != Found.Due)
            {
                return (found, step);
            }

            ICommand<Lead, LeadEvent> command = step switch
            {
                RetentionStep.Archive => new ArchiveLead(plan.Rules.Because(step)),
                RetentionStep.Erase => new EraseLead(plan.Rules.Because(step), Actor, PersonTraces.None), // no person wrote these texts
            };
            var context = new CommandContext(new Envelope(Actor, OperationId: plan.Operation), now, Permissions.Scope.System)
            {
                IfMatch = history.Count,
            };
            switch (await commands.Run(LeadStream.Kind, history[0].StreamId, command, context, ct))
            {
                case CommandResult.Done:
                    return (Found.Due, step);
                case CommandResult.PreconditionFailed:
                    history = [.. await log.ReadStreamAsStored(history[0].StreamId, ct)];
                    break;
                case var other:
                    throw new InvalidOperationException($"Lead {history[0].StreamId} was due, and retention was answered {other}.");
            }
        }
    }

    private static RetentionReport Counted(
        RetentionReport report, RetentionPlan plan, List<RecordedEvent> history, Found? found, RetentionStep step)
    {
        var isDone = found is Found.Due or Found.DoneBefore;
        return report with
        {
            Leads = report.Leads + (history[0].Position <= plan.Position ? 1 : 0),
            Archived = report.Archived + (isDone && step == RetentionStep.Archive ? 1 : 0),
            Erased = report.Erased + (isDone && step == RetentionStep.Erase ? 1 : 0),
            Before = report.Before + (found == Found.DoneBefore ? 1 : 0),
            MovedOn = report.MovedOn + (found == Found.MovedOn ? 1 : 0),
            Unreadable = report.Unreadable + (found == Found.Unreadable ? 1 : 0),
        };
    }
}

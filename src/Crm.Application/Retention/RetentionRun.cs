using System.Globalization;
using Crm.Application.Leads;
using Crm.Domain;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Retention;

/// <summary>What a run of the retention rules came to.</summary>
/// <param name="Rules">The rules.</param>
/// <param name="DryRun">Whether nothing was done and the counts say what would be.</param>
/// <param name="Leads">Leads looked at.</param>
/// <param name="Archived">Leads put away.</param>
/// <param name="Erased">Persons erased.</param>
/// <param name="MovedOn">Leads that somebody worked on in the meantime, and that were left alone.</param>
/// <param name="Unreadable">Leads whose history cannot be read, and that were left alone.</param>
public sealed record RetentionReport(RetentionRules Rules, bool DryRun, long Leads, long Archived, long Erased, long MovedOn, long Unreadable);

/// <summary>
/// Puts away and erases what the rules say is due, by the commands that people use, lead by lead. Interrupted, it is run again: what was
/// done is not due any more. Decided on the log, so that no read model that is behind can make anybody be forgotten too early.
/// </summary>
public sealed class RetentionRun(EventLog log, CommandRunner commands)
{
    /// <summary>Who does it, as the log has it.</summary>
    public const string Actor = "retention";

    /// <summary>The scope of the bookmarks that runs leave: one for a dry run of each set of rules, and one for the last run.</summary>
    public const string Scope = "retention";

    /// <summary>The bookmark of the last run.</summary>
    public const string LastRun = "last-run";

    private const int PageSize = 500;
    private const int AtOnce = 16;

    /// <summary>For how long a dry run answers for a run of the same rules.</summary>
    public static TimeSpan DryRunHolds { get; } = TimeSpan.FromDays(7);

    /// <summary>Whether the same rules were tried out lately.</summary>
    public async Task<bool> WasTriedOut(RetentionRules rules, DateTimeOffset now, CancellationToken ct) =>
        await log.ReadBookmark(Scope, rules.Key, ct) is { } tried && TimeOf(tried) is { } at && at <= now && now - at <= DryRunHolds;

    /// <summary>Runs the rules over all leads.</summary>
    /// <param name="rules">The rules.</param>
    /// <param name="dryRun">Whether only to say what would be done.</param>
    /// <param name="now">The time of the run.</param>
    /// <param name="progress">Told how many leads have been looked at; null for nobody.</param>
    /// <param name="ct">Stops it between two leads.</param>
    public async Task<RetentionReport> Run(RetentionRules rules, bool dryRun, DateTimeOffset now, IProgress<long>? progress, CancellationToken ct)
    {
        var envelope = new Envelope(Actor, OperationId: Guid.CreateVersion7(now).ToString());
        var report = new RetentionReport(rules, dryRun, 0, 0, 0, 0, 0);
        var after = Guid.Empty;
        while (await log.ListStreams(Lead.Aggregate.StreamType, after, PageSize, ct) is [.., var last] page)
        {
            report = await Page(report, [.. page], envelope, now, ct);
            progress?.Report(report.Leads);
            after = last;
        }

        // For the next run, which asks whether this one tried the rules out; and for whoever watches that it runs at all.
        var what = string.Create(CultureInfo.InvariantCulture, $"{now.UtcDateTime:O} archived={report.Archived} erased={report.Erased}");
        var bookmark = new Bookmark(Scope, dryRun ? rules.Key : LastRun, what);
        await log.Append(new AppendCommand([], envelope) { Bookmark = bookmark }, ct);
        return report;
    }

    /// <summary>The time that stands in a bookmark; null where it cannot be read.</summary>
    public static DateTimeOffset? TimeOf(string bookmark) => DateTimeOffset.TryParse(
        bookmark.Split(' ')[0], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    private async Task<RetentionReport> Page(RetentionReport report, Guid[] page, Envelope envelope, DateTimeOffset now, CancellationToken ct)
    {
        var due = new List<(Guid Lead, long Version, RetentionStep Step)>();
        var unreadable = 0L;
        foreach (var history in (await log.ReadStreamsAsStored(page, ct)).GroupBy(static recorded => recorded.StreamId))
        {
            var events = history.ToList();
            if (events.Exists(static recorded => recorded.Data is UnreadableEvent))
            {
                unreadable++;
                continue;
            }

            var lead = Lead.Aggregate.Fold(events.Select(static recorded => (LeadEvent)recorded.Data));
            if (report.Rules.Due(lead, RetentionRules.LastActivity(events), now) is { } step)
            {
                due.Add((history.Key, events.Count, step));
            }
        }

        var (archived, erased, movedOn) = (0L, 0L, 0L);
        await Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = ct }, async (each, stop) =>
        {
            if (!report.DryRun && !await Do(each.Lead, each.Version, each.Step, report.Rules, envelope, now, stop))
            {
                Interlocked.Increment(ref movedOn);
                return;
            }

            switch (each.Step)
            {
                case RetentionStep.Archive:
                    Interlocked.Increment(ref archived);
                    break;
                case RetentionStep.Erase:
                    Interlocked.Increment(ref erased);
                    break;
            }
        });
        return report with
        {
            Leads = report.Leads + page.Length,
            Archived = report.Archived + archived,
            Erased = report.Erased + erased,
            MovedOn = report.MovedOn + movedOn,
            Unreadable = report.Unreadable + unreadable,
        };
    }

    /// <summary>Carries a step out on the very version that was looked at; false where there is another by now.</summary>
    private async Task<bool> Do(
        Guid lead, long version, RetentionStep step, RetentionRules rules, Envelope envelope, DateTimeOffset now, CancellationToken ct)
    {
        ICommand<Lead, LeadEvent> command = step switch
        {
            RetentionStep.Archive => new ArchiveLead(Because(rules.ArchiveAfterMonths)),
            RetentionStep.Erase => new EraseLead(Because(rules.EraseAfterMonths), Actor, PersonTraces.None), // no person wrote these texts
        };
        var context = new CommandContext(envelope, now, Permissions.Scope.System) { IfMatch = version };
        return await commands.Run(LeadStream.Kind, lead, command, context, ct) is CommandResult.Done;
    }

    private static string Because(int? months) => string.Create(CultureInfo.InvariantCulture, $"No activity for {months} months.");
}

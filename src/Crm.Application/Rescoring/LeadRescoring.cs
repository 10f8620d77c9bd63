using Crm.Application.Import;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Rescoring;

/// <summary>What a rescoring came to.</summary>
/// <param name="Leads">Leads looked at.</param>
/// <param name="Changed">Leads whose score is another now.</param>
/// <param name="Archived">Archived leads, which keep the score they had.</param>
public sealed record RescoringReport(long Leads, long Changed, long Archived);

/// <summary>
/// Scores all leads anew by the rules in force: each by the same command that scores one, many to a commit. Repeating it changes nothing.
/// </summary>
public static class LeadRescoring
{
    private const int PageSize = 1_000;
    private const int Attempts = 10;

    /// <summary>Rescores every lead.</summary>
    /// <param name="log">The log.</param>
    /// <param name="operation">The id of this rescoring, under which its events stand.</param>
    /// <param name="now">The time of the rescoring.</param>
    /// <param name="progress">Told how many leads have been looked at; null for nobody.</param>
    /// <param name="ct">Stops it between two pages; what is rescored stays.</param>
    public static async Task<RescoringReport> All(
        EventLog log, Guid operation, DateTimeOffset now, IProgress<long>? progress, CancellationToken ct)
    {
        var envelope = Envelope.System with { OperationId = operation.ToString() };
        var report = new RescoringReport(0, 0, 0);
        var after = Guid.Empty;
        while (await log.ListStreams(Lead.Aggregate.StreamType, after, PageSize, ct) is [.., var last] page)
        {
            var (changed, archived) = await Page(log, [.. page], envelope, now, ct);
            report = new RescoringReport(report.Leads + page.Count, report.Changed + changed, report.Archived + archived);
            progress?.Report(report.Leads);
            after = last;
        }

        return report;
    }

    private static async Task<(long Changed, long Archived)> Page(
        EventLog log, Guid[] page, Envelope envelope, DateTimeOffset now, CancellationToken ct)
    {
        AppendOutcome outcome = new AppendOutcome.Appended(0, default);
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            var appends = new List<StreamAppend>();
            var archived = 0L;
            foreach (var history in (await log.ReadStreams(page, ct)).GroupBy(static recorded => recorded.StreamId))
            {
                var events = history.ToList();
                var lead = Lead.Aggregate.Fold(events.Select(static recorded => (LeadEvent)recorded.Data));
                archived += lead.IsArchived ? 1 : 0;
                if (new ScoreLead().Decide(lead).Events is [var happened])
                {
                    var id = DerivedId.Of("rescore", envelope.OperationId ?? "", history.Key.ToString());
                    appends.Add(new StreamAppend(history.Key, Lead.Aggregate.StreamType, events.Count, [new NewEvent(id, happened, now)]));
                }
            }

            if (appends.Count == 0)
            {
                return (0, archived);
            }

            outcome = await log.Append(new AppendCommand(appends, envelope), CancellationToken.None);
            if (outcome is AppendOutcome.Appended)
            {
                return (appends.Count, archived);
            }
        }

        throw new LogUnavailableException($"The leads of a page changed during {Attempts} attempts: {outcome}.") { NothingAppended = true };
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Undo;

/// <summary>An undo that is asked for.</summary>
/// <param name="OperationId">The operation under which its events stand.</param>
/// <param name="Unwanted">The unwanted events by lead: their positions.</param>
/// <param name="OtherStreams">Unwanted events of other kinds of stream, by kind: told in the report.</param>
/// <param name="UpTo">The last position that was looked at.</param>
/// <param name="Envelope">Who undoes, and why.</param>
/// <param name="Now">The time of the undo.</param>
/// <param name="DryRun">Whether to write nothing and only say what would happen.</param>
/// <param name="ReversesReversals">
/// Whether reversals among the events are themselves unwanted: only where the operation that made them was named. Otherwise somebody who
/// undoes their own deeds twice would bring them back.
/// </param>
public sealed record UndoPlan(
    string OperationId,
    IReadOnlyDictionary<Guid, HashSet<long>> Unwanted,
    IReadOnlyDictionary<string, long> OtherStreams,
    long UpTo,
    Envelope Envelope,
    DateTimeOffset Now,
    bool DryRun,
    bool ReversesReversals);

/// <summary>
/// Undoes what somebody did to leads, by new events and lead by lead: each decision is made on the lead as it stands, so that what others
/// do meanwhile is seen. Interrupted, it is run again and goes on; a lead that was undone before has nothing left to undo.
/// </summary>
public sealed class LeadUndo(EventLog log, CommandRunner commands)
{
    private const int AtOnce = 8;
    private const string ExternalId = "externalId";
    private const string HeldByAnother = "Another lead holds this external id.";

    /// <summary>Carries it out.</summary>
    /// <param name="plan">What.</param>
    /// <param name="progress">Told how many leads have been looked at; null for nobody.</param>
    /// <param name="ct">Stops it between two leads.</param>
    public async Task<UndoReport> Run(UndoPlan plan, IProgress<long>? progress, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        var results = new ConcurrentBag<UndoneLead>();
        var done = 0L;
        await Parallel.ForEachAsync(
            plan.Unwanted,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = ct },
            async (lead, stop) =>
            {
                results.Add(await Guarded(plan, lead.Key, lead.Value, stop));
                progress?.Report(Interlocked.Increment(ref done));
            });
        return Report(plan, [.. results], Stopwatch.GetElapsedTime(began).TotalSeconds);
    }

    private async Task<UndoneLead> Guarded(UndoPlan plan, Guid lead, HashSet<long> positions, CancellationToken ct)
    {
        try
        {
            return await One(plan, lead, positions, ct);
        }
        catch (LogCorruptException unreadable)
        {
            return Failed(lead, unreadable.Message);
        }
        catch (StreamConflictException busy)
        {
            return Failed(lead, busy.Message);
        }
    }

    private async Task<UndoneLead> One(UndoPlan plan, Guid lead, HashSet<long> positions, CancellationToken ct)
    {
        var except = new Dictionary<string, string>(StringComparer.Ordinal);
        if (await Look(plan, lead, positions, except, ct) is { } foreseen)
        {
            return foreseen;
        }

        var context = new CommandContext(plan.Envelope with { OperationId = plan.OperationId }, plan.Now, Scope.System);
        while (true)
        {
            LeadReversal? reversal = null;
            var result = await commands.Run(
                LeadStream.Kind,
                lead,
                history => new ReverseLeadChanges(
                    reversal = LeadReversal.Of(Steps(plan, history, positions), except), plan.Envelope.Reason),
                context,
                ct);
            switch (result)
            {
                case CommandResult.Done { EventTypes: [] }:
                    return new UndoneLead(lead, UndoneLeadOutcome.Unchanged, null, reversal?.Fields ?? []);
                case CommandResult.Done done:
                    return new UndoneLead(lead, UndoneLeadOutcome.Reversed, done.Version, reversal?.Fields ?? []);
                case CommandResult.Refused { Refusal: var refusal } when refusal == LeadStream.DuplicateExternalId
                    && except.TryAdd(ExternalId, HeldByAnother):
                    // Taken since it was looked at: the other fields go back all the same.
                    continue;
                case CommandResult.Refused refused:
                    return Failed(lead, refused.Refusal.Because);
                default:
                    throw new UnreachableException(result.GetType().Name);
            }
        }
    }

    /// <summary>Looks at the lead without writing: the answer of a dry run, and whether its old external id is another's by now.</summary>
    private async Task<UndoneLead?> Look(
        UndoPlan plan, Guid lead, HashSet<long> positions, Dictionary<string, string> except, CancellationToken ct)
    {
        var history = await log.ReadForDecision(lead, ct);
        if (history is not [{ Data: LeadEvent }, ..])
        {
            return Failed(lead, LeadRefusals.NotFound.Because);
        }

        var steps = Steps(plan, history, positions);
        var reversal = LeadReversal.Of(steps);
        foreach (var key in LeadStream.Kind.Keys(lead, reversal.Target))
        {
            if (await log.FindHolder(key.Scope, key.Key, ct) is { } holder && holder != lead)
            {
                except[ExternalId] = HeldByAnother;
                reversal = LeadReversal.Of(steps, except);
            }
        }

        var wouldBe = new ReverseLeadChanges(reversal, plan.Envelope.Reason)
            .Decide(Lead.Aggregate.Fold(history.Select(static recorded => (LeadEvent)recorded.Data)));
        return wouldBe switch
        {
            { Refusal: { } refusal } => Failed(lead, refusal.Because),
            { Events: [] } => new UndoneLead(lead, UndoneLeadOutcome.Unchanged, null, reversal.Fields),
            _ when plan.DryRun => new UndoneLead(lead, UndoneLeadOutcome.Reversed, null, reversal.Fields),
            _ => null,
        };
    }

    private static List<HistoryStep> Steps(UndoPlan plan, StreamHistory history, HashSet<long> positions)
    {
        var steps = new List<HistoryStep>(history.Count);
        foreach (var recorded in history)
        {
            var isUnwanted = positions.Contains(recorded.Position) && (plan.ReversesReversals || recorded.Data is not LeadChangesReversed);
            steps.Add(new HistoryStep(steps.Count + 1, (LeadEvent)recorded.Data, isUnwanted));
        }

        return steps;
    }

    private static UndoneLead Failed(Guid lead, string why) => new(lead, UndoneLeadOutcome.Failed, null, [], why);

    private static UndoReport Report(UndoPlan plan, List<UndoneLead> leads, double seconds)
    {
        long Of(UndoneLeadOutcome outcome) => leads.LongCount(lead => lead.Outcome == outcome);
        long FieldsOf(FieldOutcome outcome) => leads.Sum(lead => lead.Fields.LongCount(field => field.Outcome == outcome));
        bool Has(UndoneLead lead, FieldOutcome outcome) => lead.Fields.Any(field => field.Outcome == outcome);
        var items = leads
            .OrderBy(lead => lead.Outcome == UndoneLeadOutcome.Failed ? 0
                : Has(lead, FieldOutcome.Failed) ? 1
                : Has(lead, FieldOutcome.Kept) ? 2
                : 3)
            .ThenBy(static lead => lead.LeadId);
        return new UndoReport(
            plan.OperationId,
            plan.DryRun,
            plan.UpTo,
            plan.Unwanted.Sum(static lead => (long)lead.Value.Count),
            leads.Count,
            Of(UndoneLeadOutcome.Reversed),
            Of(UndoneLeadOutcome.Unchanged),
            Of(UndoneLeadOutcome.Failed),
            FieldsOf(FieldOutcome.Reversed),
            FieldsOf(FieldOutcome.Kept),
            FieldsOf(FieldOutcome.Failed),
            plan.OtherStreams,
            [.. items.Take(UndoReport.MostItems)],
            Math.Round(seconds, 3));
    }
}

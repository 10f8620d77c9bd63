using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Domain;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Npgsql;

namespace Crm.Application.Integrity;

/// <summary>What became of one offender.</summary>
/// <param name="What">The lead, key or read model.</param>
/// <param name="Repaired">Whether it was repaired, or would be.</param>
/// <param name="Why">Why it was not; null where it was.</param>
public sealed record RepairedItem(string What, bool Repaired, string? Why);

/// <summary>What a repair came to.</summary>
/// <param name="Check">The check whose offenders were repaired.</param>
/// <param name="DryRun">Whether nothing was written.</param>
/// <param name="OperationId">The operation under which its events stand.</param>
/// <param name="Found">How many offenders were found.</param>
/// <param name="Repaired">How many were repaired, or would be.</param>
/// <param name="Items">The offenders, at most so many.</param>
public sealed record RepairReport(
    string Check, bool DryRun, string OperationId, long Found, long Repaired, IReadOnlyList<RepairedItem> Items);

/// <summary>This check's offenders cannot be repaired by a command; the message says what can be done.</summary>
public sealed class NotRepairableException(string message) : Exception(message);

/// <summary>
/// Repairs what a check found: leads by events, so that the history keeps what was wrong and why it changed; keys and read models from the
/// log, which they follow from.
/// </summary>
public sealed class IntegrityRepair(
    NpgsqlDataSource database, EventLog log, CommandRunner commands, IReadOnlyList<Projection> projections, Rebuilder rebuilder)
{
    private const int MostItems = 1_000;

    /// <summary>The checks whose offenders can be repaired here.</summary>
    public static IReadOnlyList<IntegrityCheck> Repairable { get; } =
        [IntegrityCheck.LeadTemperature, IntegrityCheck.LeadFuture, IntegrityCheck.UniqueKeys, IntegrityCheck.ReadModels];

    /// <summary>Repairs the offenders of a check. Repeating it finds nothing more to do.</summary>
    /// <exception cref="NotRepairableException">There is no repair for this check.</exception>
    public async Task<RepairReport> Run(IntegrityCheck check, DateTimeOffset now, bool dryRun, CancellationToken ct)
    {
        var operation = Guid.CreateVersion7(now).ToString();
        var context = new CommandContext(
            Envelope.System with { OperationId = operation, Reason = $"integrity: {check.Id}" }, now, Scope.System);
        var items = new List<RepairedItem>();
        if (check == IntegrityCheck.LeadTemperature || check == IntegrityCheck.LeadFuture)
        {
            await foreach (var row in new BoardPages(database).Offenders(check, now, ct))
            {
                items.Add(await Lead(check, row, context, dryRun, ct));
            }
        }
        else if (check == IntegrityCheck.UniqueKeys)
        {
            await Keys(items, context, dryRun, ct);
        }
        else if (check == IntegrityCheck.ReadModels)
        {
            await Models(items, now, dryRun, ct);
        }
        else
        {
            throw new NotRepairableException(check.Repair);
        }

        return new RepairReport(
            check.Id, dryRun, operation, items.Count, items.Count(static item => item.Repaired), [.. items.Take(MostItems)]);
    }

    private async Task<RepairedItem> Lead(IntegrityCheck check, BoardRow row, CommandContext context, bool dryRun, CancellationToken ct)
    {
        var command = check == IntegrityCheck.LeadTemperature ? new ScoreLead() : await Correction(row, ct);
        if (dryRun)
        {
            var history = await log.ReadForDecision(row.LeadId, ct);
            var decision = command.Decide(Domain.Leads.Lead.Aggregate.Fold(history.Select(static recorded => (LeadEvent)recorded.Data)));
            return Item(row.LeadId, decision.Refusal, decision.Events.Count);
        }

        return await commands.Run(LeadStream.Kind, row.LeadId, command, context, ct) switch
        {
            CommandResult.Done done => Item(row.LeadId, refusal: null, done.EventTypes.Count),
            CommandResult.Refused refused => Item(row.LeadId, refused.Refusal, 0),
            var other => new RepairedItem(row.LeadId.ToString(), Repaired: false, other.GetType().Name),
        };
    }

    private async Task<ICommand<Lead, LeadEvent>> Correction(BoardRow row, CancellationToken ct)
    {
        var recordedAt = await log.ReadStream(row.LeadId, ct, 1, 1) is [var captured, ..] ? captured.RecordedAt : DateTimeOffset.MaxValue;
        return new CorrectCaptureTime(row.CreatedAt ?? default, recordedAt);
    }

    private static RepairedItem Item(Guid lead, Refusal? refusal, int events) => new(
        lead.ToString(),
        events > 0,
        refusal?.Because ?? (events > 0 ? null : "The lead itself is right: its read model is not. Rebuild it."));

    private async Task Keys(List<RepairedItem> items, CommandContext context, bool dryRun, CancellationToken ct)
    {
        var wrong = await new KeyChecks(database, log, new Tally()).Wrong(ct);

        // First what is one too many: it may be in the way of what is missing.
        foreach (var (key, isMissing) in wrong.OrderBy(static each => each.IsMissing))
        {
            var what = $"{key.Scope} of {key.StreamId}";
            if (dryRun)
            {
                items.Add(new RepairedItem(what, Repaired: true, Why: null));
                continue;
            }

            var outcome = await log.Append(
                new AppendCommand([], context.Envelope) { Claims = isMissing ? [key] : [], Releases = isMissing ? [] : [key] }, ct);
            items.Add(new RepairedItem(
                what, outcome is AppendOutcome.Appended, outcome is AppendOutcome.KeyTaken taken ? $"{taken.Holder} has it." : null));
        }
    }

    private async Task Models(List<RepairedItem> items, DateTimeOffset now, bool dryRun, CancellationToken ct)
    {
        var checks = new ReadModelChecks(database, log, projections, new Tally());
        var last = await log.LastPosition(ct);
        var seed = (int)(now - DateTimeOffset.UnixEpoch).TotalDays;
        await checks.Run(last, IntegrityRun.Sample(last, seed, IntegrityRun.SampleSize), progress: null, ct);
        foreach (var projection in projections.Where(projection => checks.Differing.Contains(projection.Name)))
        {
            if (!dryRun)
            {
                await rebuilder.Rebuild(projection, progress: null, ct);
            }

            items.Add(new RepairedItem(projection.Name, Repaired: true, Why: null));
        }
    }
}

using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Application.Undo;

/// <summary>What became of one lead that was to go back to a moment.</summary>
/// <param name="LeadId">The lead.</param>
/// <param name="Restored">Whether it went back, or would.</param>
/// <param name="ToVersion">The version to whose state it goes back; null where it does not.</param>
/// <param name="Why">Why not: it stands like that already, or a refusal; null where it went back.</param>
public sealed record RestoredLead(Guid LeadId, bool Restored, long? ToVersion, string? Why);

/// <summary>What a restoration came to.</summary>
/// <param name="AsOf">The moment.</param>
/// <param name="DryRun">Whether nothing was written.</param>
/// <param name="OperationId">The operation under which its events stand.</param>
/// <param name="Restored">How many leads went back, or would.</param>
/// <param name="Items">The leads, in the order they were named.</param>
public sealed record RestorationReport(
    DateTimeOffset AsOf, bool DryRun, string OperationId, int Restored, IReadOnlyList<RestoredLead> Items);

/// <summary>Puts a few leads back to how they stood at a moment, each by one event. Repeating it changes nothing.</summary>
public sealed class LeadRestoration(EventLog log, CommandRunner commands)
{
    private const string AlreadySo = "It stands like that already.";

    /// <summary>Restores the leads, one after the other.</summary>
    /// <param name="leads">The leads.</param>
    /// <param name="asOf">The moment: what had happened by then.</param>
    /// <param name="envelope">Who restores, why.</param>
    /// <param name="now">The time of the restoration.</param>
    /// <param name="dryRun">Whether to write nothing.</param>
    /// <param name="ct">Stops it between two leads.</param>
    public async Task<RestorationReport> Run(
        IReadOnlyList<Guid> leads, DateTimeOffset asOf, Envelope envelope, DateTimeOffset now, bool dryRun, CancellationToken ct)
    {
        var operation = Guid.CreateVersion7(now).ToString();
        var context = new CommandContext(envelope with { OperationId = operation }, now, Scope.System);
        var items = new List<RestoredLead>();
        foreach (var lead in leads.Distinct())
        {
            items.Add(dryRun ? await Look(lead, asOf, ct) : await Restore(lead, asOf, context, ct));
        }

        return new RestorationReport(asOf, dryRun, operation, items.Count(static item => item.Restored), items);
    }

    private async Task<RestoredLead> Restore(Guid lead, DateTimeOffset asOf, CommandContext context, CancellationToken ct)
    {
        var version = 0L;
        RestoreLead Back(IReadOnlyList<StreamEvent> history)
        {
            var restore = EarlierState.RestoreToTime(history, asOf, context.Envelope.Reason);
            version = restore.ToVersion;
            return restore;
        }

        return await commands.Run(LeadStream.Kind, lead, Back, context, ct) switch
        {
            CommandResult.Done { EventTypes: [] } => new RestoredLead(lead, Restored: false, null, AlreadySo),
            CommandResult.Done => new RestoredLead(lead, Restored: true, version, Why: null),
            CommandResult.Refused refused => new RestoredLead(lead, Restored: false, null, refused.Refusal.Because),
            var other => new RestoredLead(lead, Restored: false, null, other.GetType().Name),
        };
    }

    private async Task<RestoredLead> Look(Guid lead, DateTimeOffset asOf, CancellationToken ct)
    {
        var history = await log.ReadForDecision(lead, ct);
        if (history is not [{ Data: LeadEvent }, ..])
        {
            return new RestoredLead(lead, Restored: false, null, LeadRefusals.NotFound.Because);
        }

        var restore = EarlierState.RestoreToTime(history, asOf, reason: null);
        return restore.Decide(Lead.Aggregate.Fold(history.Select(static recorded => (LeadEvent)recorded.Data))) switch
        {
            { Refusal: { } refusal } => new RestoredLead(lead, Restored: false, null, refusal.Because),
            { Events: [] } => new RestoredLead(lead, Restored: false, null, AlreadySo),
            _ => new RestoredLead(lead, Restored: true, restore.ToVersion, Why: null),
        };
    }
}

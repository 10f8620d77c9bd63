namespace Crm.EventStore.Log;

/// <summary>The outcomes that take another look at the database: off the writer's loop.</summary>
internal sealed class LateOutcome(LogReader reader)
{
    /// <summary>Tells a command that was not appended (now) what became of it.</summary>
    public async Task Settle(PendingAppend pending, BatchFailure failure)
    {
        try
        {
            pending.Complete(
                (pending.Uncertain ? await FindOwn(pending) : null)
                ?? failure.ToConflict(pending.Command)
                ?? await FindDone(pending)
                ?? throw new LogUnavailableException("The receipt of the request was pruned just now.") { NothingAppended = true });
        }
        catch (Exception fault)
        {
            pending.Fail(fault as LogUnavailableException ?? new LogUnavailableException("The outcome could not be read.", fault));
        }
    }

    // A command that was under way when a connection was lost: its events' ids, or else its receipt, tell whether it is what the log holds.
    private async Task<AppendOutcome?> FindOwn(PendingAppend pending)
    {
        if (pending.Events is [.., var last])
        {
            return await reader.FindAppended(last.Stream, last.Version, last.Event.Id, CancellationToken.None);
        }

        return pending.Command.Receipt is { } sent
            && await reader.FindReceipt(sent.Caller, sent.Key, CancellationToken.None) is { } stored
            && stored.Receipt.StreamId == sent.StreamId
            && stored.Receipt.Version == sent.Version
            && stored.Receipt.RequestHash.AsSpan().SequenceEqual(sent.RequestHash)
            ? new AppendOutcome.Appended(stored.Position, stored.RecordedAt)
            : null;
    }

    private async Task<AppendOutcome?> FindDone(PendingAppend pending) =>
        pending.Command.Receipt is { } receipt
            && await reader.FindReceipt(receipt.Caller, receipt.Key, CancellationToken.None) is { } stored
            ? new AppendOutcome.AlreadyDone(stored)
            : null;
}

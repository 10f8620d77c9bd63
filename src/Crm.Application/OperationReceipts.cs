using System.Collections.Concurrent;
using Crm.EventStore.Log;

namespace Crm.Application;

/// <summary>What became of an operator's request.</summary>
public abstract record OperationOutcome
{
    private OperationOutcome()
    {
    }

    /// <summary>It was carried out, now or when it was sent with the same idempotency key before.</summary>
    /// <param name="Status">The HTTP status.</param>
    /// <param name="Made">What it made, such as a job; null where it makes nothing.</param>
    /// <param name="Body">The answer's body; null where it follows from what was made.</param>
    public sealed record Answered(int Status, Guid? Made, string? Body) : OperationOutcome
    {
        /// <summary>Whether this is the saved answer to an earlier request with the same idempotency key.</summary>
        public bool Replayed { get; init; }
    }

    /// <summary>The idempotency key was used for another request before.</summary>
    public sealed record KeyReused : OperationOutcome;

    /// <summary>The same request is being carried out at this moment.</summary>
    public sealed record InFlight : OperationOutcome;
}

/// <summary>
/// Gives an operator's request, which appends no event, one effect and one answer per idempotency key: by the same receipts as a
/// command's.
/// </summary>
public sealed class OperationReceipts(EventLog log)
{
    private readonly ConcurrentDictionary<(string Caller, string Key), byte> inFlight = new();

    /// <summary>
    /// Keeps the answer before the request is carried out, unless an earlier one is kept: for requests that make something under an
    /// id which the answer names, so that making it can be repeated.
    /// </summary>
    public async Task<OperationOutcome> Claim(OperationOutcome.Answered answer, CommandContext context, CancellationToken ct)
    {
        if (context.Idempotency is not { } request)
        {
            return answer;
        }

        var receipt = new Receipt(request.Caller, request.Key, request.RequestHash, answer.Status, answer.Made, Version: 0, [], answer.Body);
        return await log.Append(new AppendCommand([], context.Envelope) { Receipt = receipt }, ct) is AppendOutcome.AlreadyDone already
            ? Replay(already.Stored, request)
            : answer;
    }

    /// <summary>Carries a request out and keeps its answer, unless an earlier one is kept.</summary>
    public async Task<OperationOutcome> Once(CommandContext context, Func<Task<OperationOutcome.Answered>> carryOut, CancellationToken ct)
    {
        if (context.Idempotency is not { } request)
        {
            return await carryOut();
        }

        var key = (request.Caller, request.Key);
        if (!inFlight.TryAdd(key, 0))
        {
            return new OperationOutcome.InFlight();
        }

        try
        {
            return await log.FindReceipt(request.Caller, request.Key, ct) is { } stored
                ? Replay(stored, request)
                : await Claim(await carryOut(), context, ct);
        }
        finally
        {
            inFlight.TryRemove(key, out _);
        }
    }

    private static OperationOutcome Replay(StoredReceipt stored, IdempotencyKey request) =>
        stored.Receipt.RequestHash.AsSpan().SequenceEqual(request.RequestHash)
            ? new OperationOutcome.Answered(stored.Receipt.Status, stored.Receipt.StreamId, stored.Receipt.Body) { Replayed = true }
            : new OperationOutcome.KeyReused();
}

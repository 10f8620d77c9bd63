using System.Collections.Concurrent;
using System.Diagnostics;
using Crm.Domain;
using Crm.EventStore.Log;

namespace Crm.Application;

/// <summary>The only place that loads a stream, decides a command, appends what happened, and retries.</summary>
public sealed class CommandRunner(EventLog log) : IDisposable
{
    private const int Attempts = 20;

    private static readonly Refusal IdTaken = new("already-exists", "This id belongs to something else.");

    private readonly ConcurrentDictionary<(string Caller, string Key), byte> inFlight = new();
    private readonly SemaphoreSlim[] queues = [.. Enumerable.Range(0, 256).Select(_ => new SemaphoreSlim(1, 1))];

    /// <summary>Runs a command on a stream.</summary>
    /// <exception cref="LogUnavailableException">The database cannot be reached: the outcome may be unknown.</exception>
    /// <exception cref="StreamConflictException">The stream changed during every attempt.</exception>
    public Task<CommandResult> Run<TState, TEvent>(
        StreamKind<TState, TEvent> kind, Guid id, ICommand<TState, TEvent> command, CommandContext context, CancellationToken ct)
        where TEvent : class => Run(kind, id, _ => command, context, ct);

    /// <summary>Runs a command that is made from the stream's history, such as a return to an earlier state.</summary>
    /// <exception cref="LogUnavailableException">The database cannot be reached: the outcome may be unknown.</exception>
    /// <exception cref="StreamConflictException">The stream changed during every attempt.</exception>
    public Task<CommandResult> Run<TState, TEvent>(
        StreamKind<TState, TEvent> kind,
        Guid id,
        Func<StreamHistory, ICommand<TState, TEvent>> command,
        CommandContext context,
        CancellationToken ct)
        where TEvent : class => Once(context, () => Attempt(kind, id, command, isNew: false, context, ct));

    /// <summary>
    /// Runs a command that begins a stream. The stream is taken to be new, without a look; where it is not, the append says so
    /// and the command is decided again on what is there.
    /// </summary>
    /// <exception cref="LogUnavailableException">The database cannot be reached: the outcome may be unknown.</exception>
    public Task<CommandResult> Begin<TState, TEvent>(
        StreamKind<TState, TEvent> kind, Guid id, ICommand<TState, TEvent> command, CommandContext context, CancellationToken ct)
        where TEvent : class => Once(context, () => Attempt(kind, id, _ => command, isNew: true, context, ct));

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var queue in queues)
        {
            queue.Dispose();
        }
    }

    /// <summary>Answers a repetition at once while the first is under way on this host; that it has one effect is the receipt's work.</summary>
    private async Task<CommandResult> Once(CommandContext context, Func<Task<CommandResult>> run)
    {
        if (context.Idempotency is not { } request)
        {
            return await run();
        }

        var key = (request.Caller, request.Key);
        if (!inFlight.TryAdd(key, 0))
        {
            return new CommandResult.InFlight();
        }

        try
        {
            return await run();
        }
        finally
        {
            inFlight.TryRemove(key, out _);
        }
    }

    private async Task<CommandResult> Attempt<TState, TEvent>(
        StreamKind<TState, TEvent> kind,
        Guid id,
        Func<StreamHistory, ICommand<TState, TEvent>> command,
        bool isNew,
        CommandContext context,
        CancellationToken ct)
        where TEvent : class
    {
        var history = isNew ? StreamHistory.Empty : OfKind<TEvent>(await Load(id, context, ct));
        if (await Try(kind, id, command, history, context, ct) is { } atOnce)
        {
            return atOnce;
        }

        // Commands that lost a race for a stream queue for it, so that a busy stream makes them wait, not fail.
        var queue = queues[(uint)id.GetHashCode() % (uint)queues.Length];
        await queue.WaitAsync(ct);
        try
        {
            for (var attempt = 2; attempt <= Attempts; attempt++)
            {
                var stored = await Load(id, context, ct);
                history = OfKind<TEvent>(stored);
                if (isNew && history.Count < stored.Count)
                {
                    return await Refuse(IdTaken, id, stored.Count, context, ct);
                }

                if (await Try(kind, id, command, history, context, ct) is { } result)
                {
                    return result;
                }
            }
        }
        finally
        {
            queue.Release();
        }

        throw new StreamConflictException(id, Attempts);
    }

    private Task<StreamHistory> Load(Guid id, CommandContext context, CancellationToken ct) =>
        context.GoesWithoutKey ? log.ReadToErase(id, ct) : log.ReadForDecision(id, ct);

    /// <summary>The events of a stream of this kind; a stream of another kind is not there for the command.</summary>
    private static StreamHistory OfKind<TEvent>(StreamHistory stored) => stored is [{ Data: TEvent }, ..] ? stored : StreamHistory.Empty;

    /// <summary>One attempt: null when the stream moved on meanwhile.</summary>
    private async Task<CommandResult?> Try<TState, TEvent>(
        StreamKind<TState, TEvent> kind,
        Guid id,
        Func<StreamHistory, ICommand<TState, TEvent>> command,
        StreamHistory history,
        CommandContext context,
        CancellationToken ct)
        where TEvent : class
    {
        // Before If-Match, whose answer tells what changed.
        var state = kind.Aggregate.Fold(history.Select(recorded => (TEvent)recorded.Data));
        var wanted = command(history);
        if (kind.Permits(state, wanted, context.Scope) is { } forbidden)
        {
            return await Refuse(forbidden, id, history.Count, context, ct);
        }

        if (context.IfMatch is { } expected && history.Count > 0 && history.Count != expected)
        {
            return await Earlier(context, ct) ?? new CommandResult.PreconditionFailed(id, expected, history);
        }

        var decision = wanted.Decide(state);
        if (decision.Refusal is { } refusal)
        {
            return await Refuse(refusal, id, history.Count, context, ct);
        }

        if (decision.Events.Count == 0)
        {
            return await ChangeNothing(id, history, context, ct);
        }

        var follows = kind.Aggregate.Follow(state, decision.Events);
        IReadOnlyList<TEvent> happened = follows.Count == 0 ? decision.Events : [.. decision.Events, .. follows];
        var done = new CommandResult.Done(
            id, history.Count + happened.Count, Position: 0, [.. happened.Select(@event => log.Catalog.Of(@event).Name)], Created: history.Count == 0);
        // What the state cannot tell without the key, the database does.
        var held = history.IsKeyLost ? await log.HeldBy(id, ct) : kind.Keys(id, state);
        var append = AppendOf(kind, id, state, held, history, happened, context) with
        {
            Receipt = context.Idempotency is { } request ? SavedAnswer.Of(request, done) : null,
        };
        return await log.Append(append, ct) switch
        {
            AppendOutcome.Appended appended => done with { Position = appended.LastPosition },
            AppendOutcome.VersionConflict conflict => conflict.StreamId == id ? null : new CommandResult.PremiseChanged(conflict.StreamId),
            AppendOutcome.KeyTaken => await Refuse(kind.KeyTaken, id, history.Count, context, ct),
            AppendOutcome.AlreadyDone already => Replay(already, context),
            var unknown => throw new UnreachableException(unknown.GetType().Name),
        };
    }

    private static AppendCommand AppendOf<TState, TEvent>(
        StreamKind<TState, TEvent> kind, Guid id, TState before, IReadOnlyList<UniqueKey> held, StreamHistory history,
        IReadOnlyList<TEvent> happened, CommandContext context)
        where TEvent : class
    {
        var holds = kind.Keys(id, happened.Aggregate(before, kind.Aggregate.Evolve));
        var events = new NewEvent[happened.Count];
        for (var index = 0; index < events.Length; index++)
        {
            events[index] = new NewEvent(Guid.CreateVersion7(context.Now), happened[index], context.Now);
        }

        var own = new StreamAppend(id, kind.Aggregate.StreamType, history.Count, events) { Key = history.Key };
        return new AppendCommand([own, .. context.ReliesOn], context.Envelope)
        {
            Claims = [.. holds.Except(held)],
            Releases = [.. held.Except(holds)],
            Erases = happened.Any(kind.Erases) ? [id] : [],
        };
    }

    private async Task<CommandResult> ChangeNothing(Guid id, StreamHistory history, CommandContext context, CancellationToken ct)
    {
        var done = new CommandResult.Done(id, history.Count, history is [.., var last] ? last.Position : 0, [], Created: false);
        if (context.Idempotency is not { } request)
        {
            return done;
        }

        return await Remember(SavedAnswer.Of(request, done), context, ct) switch
        {
            AppendOutcome.AlreadyDone already => Replay(already, context),
            AppendOutcome.Appended appended => done with { Position = appended.LastPosition },
            var impossible => throw new UnreachableException($"A receipt alone has no version and no key: {impossible.GetType().Name}."),
        };
    }

    private async Task<CommandResult> Refuse(Refusal refusal, Guid id, int version, CommandContext context, CancellationToken ct)
    {
        if (refusal.Kind is RefusalKind.NotFound or RefusalKind.Forbidden)
        {
            // Not kept: a right that is granted must not meet a saved "no", and what is hidden must answer like what is not there.
            // What the caller was told before may be told again, whatever rights are left.
            return await Earlier(context, ct) ?? new CommandResult.Refused(refusal);
        }

        if (context.Idempotency is { } request
            && await Remember(SavedAnswer.Of(request, id, version, refusal), context, ct) is AppendOutcome.AlreadyDone already)
        {
            return Replay(already, context);
        }

        return new CommandResult.Refused(refusal);
    }

    private Task<AppendOutcome> Remember(Receipt receipt, CommandContext context, CancellationToken ct) =>
        log.Append(new AppendCommand([], context.Envelope) { Receipt = receipt }, ct);

    private async Task<CommandResult?> Earlier(CommandContext context, CancellationToken ct) =>
        context.Idempotency is { } request && await log.FindReceipt(request.Caller, request.Key, ct) is { } stored
            ? SavedAnswer.Replay(stored, request)
            : null;

    private static CommandResult Replay(AppendOutcome.AlreadyDone already, CommandContext context) =>
        SavedAnswer.Replay(already.Stored, context.Idempotency
            ?? throw new InvalidOperationException("An append without a receipt cannot have been done already."));
}

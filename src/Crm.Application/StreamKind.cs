using Crm.Application.Permissions;
using Crm.Domain;
using Crm.EventStore.Log;

namespace Crm.Application;

/// <summary>One kind of stream as commands meet it: how it is folded, and which keys its state holds alone, and who may do what to it.</summary>
/// <param name="Aggregate">How it is folded.</param>
/// <param name="Keys">The unique keys that a stream holds while it is in a state; claimed and given up as the state changes.</param>
/// <param name="KeyTaken">What is answered when another stream holds such a key.</param>
/// <param name="Permits">
/// Why somebody may not run a command on a state; null when they may. Asked on the very state that is decided on, before anything of it
/// is told, so that no route can forget it and no change of owner slips in between.
/// </param>
public sealed record StreamKind<TState, TEvent>(
    Aggregate<TState, TEvent> Aggregate,
    Func<Guid, TState, IReadOnlyList<UniqueKey>> Keys,
    Refusal KeyTaken,
    Func<TState, ICommand<TState, TEvent>, Scope, Refusal?> Permits)
    where TEvent : class
{
    /// <summary>Whether an event erases the stream's personal data: its key is then destroyed in the transaction of the append.</summary>
    public Func<TEvent, bool> Erases { get; init; } = static _ => false;
}

using Crm.Domain;
using Crm.EventStore.Log;

namespace Crm.Application;

/// <summary>One kind of stream as commands meet it: how it is folded, and which keys its state holds alone among all streams.</summary>
/// <param name="Aggregate">How it is folded.</param>
/// <param name="Keys">The unique keys that a stream holds while it is in a state; claimed and given up as the state changes.</param>
/// <param name="KeyTaken">What is answered when another stream holds such a key.</param>
public sealed record StreamKind<TState, TEvent>(
    Aggregate<TState, TEvent> Aggregate,
    Func<Guid, TState, IReadOnlyList<UniqueKey>> Keys,
    Refusal KeyTaken)
    where TEvent : class;

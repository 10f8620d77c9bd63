namespace Crm.Domain;

/// <summary>How one kind of stream is folded: where it begins, what each event makes of it, and what follows by rule.</summary>
/// <param name="StreamType">The stream's type as stored (Marten's alias of the aggregate), such as <c>lead</c>.</param>
/// <param name="Initial">The state before the first event.</param>
/// <param name="Evolve">The state after an event: total, no rules.</param>
/// <param name="Follow">
/// What else happens because of a decision, such as a new score: given the state before and the events decided,
/// the events that follow them in the same append. Empty for most aggregates.
/// </param>
public sealed record Aggregate<TState, TEvent>(
    string StreamType,
    TState Initial,
    Func<TState, TEvent, TState> Evolve,
    Func<TState, IReadOnlyList<TEvent>, IReadOnlyList<TEvent>> Follow)
    where TEvent : class
{
    /// <summary>The state after a history.</summary>
    public TState Fold(IEnumerable<TEvent> history) => history.Aggregate(Initial, Evolve);
}

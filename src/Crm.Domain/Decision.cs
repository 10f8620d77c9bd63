using System.Runtime.CompilerServices;

namespace Crm.Domain;

/// <summary>A command: what somebody wants to happen to one aggregate, decided on its state alone.</summary>
/// <typeparam name="TState">The aggregate's state, a fold of its events.</typeparam>
/// <typeparam name="TEvent">The aggregate's events.</typeparam>
public interface ICommand<in TState, TEvent>
    where TEvent : class
{
    /// <summary>Decides: events that now have happened, no change, or a refusal. Pure: no I/O, clock or randomness.</summary>
    Decision<TEvent> Decide(TState state);
}

/// <summary>The command is permitted and has already been done: nothing happens. What makes repetition harmless.</summary>
public readonly record struct NoChange;

/// <summary>An expected "no": a fact about the aggregate that forbids the command.</summary>
/// <param name="Code">The stable code that clients see in a problem document, such as <c>not-qualified</c>.</param>
/// <param name="Because">One sentence for people.</param>
/// <param name="Kind">What kind of refusal it is, from which the HTTP status follows.</param>
/// <param name="Pointer">The field at fault as a JSON pointer, such as <c>/value/amount</c>; null when no single field is.</param>
public sealed record Refusal(string Code, string Because, RefusalKind Kind = RefusalKind.Conflict, string? Pointer = null);

/// <summary>What kind of "no" a refusal is.</summary>
public enum RefusalKind
{
    /// <summary>The aggregate's state forbids it (HTTP 409).</summary>
    Conflict,

    /// <summary>There is no such aggregate (HTTP 404).</summary>
    NotFound,

    /// <summary>A value that only the rules can judge is out of bounds (HTTP 422).</summary>
    Invalid,

    /// <summary>This actor may not do it to this aggregate (HTTP 403).</summary>
    Forbidden,
}

/// <summary>What a command decided: events, no change, or a refusal.</summary>
[CollectionBuilder(typeof(DecisionBuilder), nameof(DecisionBuilder.Create))]
public sealed class Decision<TEvent>
    where TEvent : class
{
    private Decision(IReadOnlyList<TEvent> events, Refusal? refusal) => (Events, Refusal) = (events, refusal);

    /// <summary>What happened, in order; empty when nothing changed or the command was refused.</summary>
    public IReadOnlyList<TEvent> Events { get; }

    /// <summary>Why not; null when the command was permitted.</summary>
    public Refusal? Refusal { get; }

    /// <summary>The events happened.</summary>
    public static Decision<TEvent> Happened(params IReadOnlyList<TEvent> events) => new(events, refusal: null);

    /// <summary>The command was refused.</summary>
    public static Decision<TEvent> Refused(Refusal refusal) => new([], refusal);

    /// <summary>One event happened.</summary>
    public static implicit operator Decision<TEvent>(TEvent happened) => Happened(happened);

    /// <summary>Nothing happened: it was so already.</summary>
    public static implicit operator Decision<TEvent>(NoChange _) => new([], refusal: null);

    /// <summary>The command was refused.</summary>
    public static implicit operator Decision<TEvent>(Refusal refusal) => Refused(refusal);

    /// <summary>Lets a decision be enumerated and built by a collection expression.</summary>
    public IEnumerator<TEvent> GetEnumerator() => Events.GetEnumerator();
}

/// <summary>Builds a decision from a collection expression: <c>[new LeadActivityLogged(…), new LeadContacted()]</c>.</summary>
public static class DecisionBuilder
{
    /// <summary>The events happened, in order; an empty expression is no change.</summary>
    public static Decision<TEvent> Create<TEvent>(ReadOnlySpan<TEvent> events)
        where TEvent : class => Decision<TEvent>.Happened(events.ToArray());
}

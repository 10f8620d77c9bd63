namespace Crm.Domain.Tests;

/// <summary>What one command decides on one history: <c>Given(…).When(…).Then(…)</c>.</summary>
public sealed class Spec<TState, TEvent>(Aggregate<TState, TEvent> aggregate, params IReadOnlyList<TEvent> history)
    where TEvent : class
{
    public Decided When(ICommand<TState, TEvent> command)
    {
        var state = aggregate.Fold(history);
        return new Decided(aggregate, state, command.Decide(state));
    }

    public sealed class Decided(Aggregate<TState, TEvent> aggregate, TState before, Decision<TEvent> decision)
    {
        /// <summary>Exactly these events happened, in this order; and every one of them can be applied.</summary>
        public void Then(params TEvent[] expected)
        {
            Assert.Null(decision.Refusal);
            Assert.Equal(expected, decision.Events);
            _ = decision.Events.Aggregate(before, aggregate.Evolve);
        }

        /// <summary>Exactly these events follow what happened, by rule and in the same append.</summary>
        public void ThenFollows(params TEvent[] expected)
        {
            Assert.NotEmpty(decision.Events);
            Assert.Equal(expected, aggregate.Follow(before, decision.Events));
        }

        /// <summary>The state after what happened and what followed.</summary>
        public void ThenState(Action<TState> holds)
        {
            Assert.NotEmpty(decision.Events);
            holds(decision.Events.Concat(aggregate.Follow(before, decision.Events)).Aggregate(before, aggregate.Evolve));
        }

        /// <summary>It was so already.</summary>
        public void ThenNothing()
        {
            Assert.Null(decision.Refusal);
            Assert.Empty(decision.Events);
        }

        /// <summary>It was refused with this fact, and nothing happened.</summary>
        public void ThenRefused(Refusal expected)
        {
            Assert.Equal(expected, decision.Refusal);
            Assert.Empty(decision.Events);
        }
    }
}

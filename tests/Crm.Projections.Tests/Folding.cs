using Crm.EventStore.Log;
using Crm.EventStore.Projections;

namespace Crm.Projections.Tests;

/// <summary>Given events, expect rows: folds a projection without a database, as the engine would.</summary>
public static class Folding
{
    /// <summary>The states and entries after a story.</summary>
    public static (IReadOnlyDictionary<Guid, TState> States, IReadOnlyList<TEntry> Entries) Of<TState, TEntry>(
        Projection<TState, TEntry> projection, IEnumerable<RecordedEvent> events)
        where TState : class
        where TEntry : class
    {
        var states = new Dictionary<Guid, TState>();
        var entries = new List<TEntry>();
        foreach (var recorded in events.Where(recorded => projection.Applies(recorded.Data)))
        {
            var evolved = projection.Evolve(states.GetValueOrDefault(recorded.StreamId), recorded);
            entries.AddRange(evolved.Entries);
            if (evolved.State is not null)
            {
                states[recorded.StreamId] = evolved.State;
            }
        }

        return (states, entries);
    }

    /// <summary>A ledger's facts, in short: measure, first and second breakdown, count and amount.</summary>
    public static IReadOnlyList<string> FactsOf<TMemory>(Projection<TMemory, Fact> ledger, Story story)
        where TMemory : class =>
        [.. Of(ledger, story.Events).Entries.Select(fact => string.Join(
            ' ',
            new[] { fact.Measure, fact.Dim1, fact.Dim2, $"{fact.Count:+0;-0;0}", AmountOf(fact) }
                .Where(part => part.Length > 0)))];

    private static string AmountOf(Fact fact) =>
        fact.Currency.Length == 0 ? "" : FormattableString.Invariant($"{fact.Amount:0.##} {fact.Currency}");
}

using Crm.EventStore.Log;

namespace Crm.EventStore.Projections;

/// <summary>The fold of a batch, or of a whole log: states by stream, new entries, and the streams that had to be parked.</summary>
internal sealed class Folding<TState, TEntry>(
    Projection<TState, TEntry> projection, Dictionary<Guid, TState> states, IReadOnlySet<Guid> parkedBefore)
    where TState : class
    where TEntry : class
{
    private readonly Dictionary<Guid, TState> states = new(states);
    private readonly HashSet<Guid> parkedNow = [];

    /// <summary>The states after the fold, by stream.</summary>
    public Dictionary<Guid, TState> States => states;

    /// <summary>The streams whose state is another one than before.</summary>
    public HashSet<Guid> Changed { get; } = [];

    /// <summary>The entries added and not yet taken.</summary>
    public List<TEntry> Entries { get; } = [];

    /// <summary>The streams that had to be parked.</summary>
    public List<ParkedStream> Parked { get; } = [];

    /// <summary>The states that are other ones than before; one that is gone is not among them.</summary>
    public IReadOnlyCollection<TState> ChangedStates() =>
        [.. Changed.Select(stream => states.GetValueOrDefault(stream)).OfType<TState>()];

    /// <summary>Hands out all states but one stream's, of which more may come, and forgets them.</summary>
    public IReadOnlyCollection<TState> TakeStatesBut(Guid stream)
    {
        var last = states.GetValueOrDefault(stream);
        states.Remove(stream);
        TState[] taken = [.. states.Values];
        states.Clear();
        Changed.Clear();
        if (last is not null)
        {
            states.Add(stream, last);
        }

        return taken;
    }

    /// <summary>Folds events, in order.</summary>
    public void Fold(IReadOnlyList<RecordedEvent> events)
    {
        foreach (var recorded in events)
        {
            Fold(recorded);
        }
    }

    private void Fold(RecordedEvent recorded)
    {
        var stream = recorded.StreamId;
        if (!projection.Concerns(recorded) || parkedBefore.Contains(stream) || parkedNow.Contains(stream))
        {
            return;
        }

        Evolution<TState, TEntry> evolved;
        var before = states.GetValueOrDefault(stream);
        try
        {
            if (recorded.Data is UnreadableEvent unreadable)
            {
                throw new LogCorruptException(unreadable.Error);
            }

            evolved = projection.Evolve(before, recorded);
        }
        catch (Exception poison) when (poison is not OperationCanceledException)
        {
            parkedNow.Add(stream);
            Parked.Add(new ParkedStream(stream, recorded.Position, ParkedStream.Because(poison)));
            return;
        }

        Entries.AddRange(evolved.Entries);
        if (ReferenceEquals(evolved.State, before))
        {
            return;
        }

        Changed.Add(stream);
        if (evolved.State is null)
        {
            states.Remove(stream);
        }
        else
        {
            states[stream] = evolved.State;
        }
    }
}

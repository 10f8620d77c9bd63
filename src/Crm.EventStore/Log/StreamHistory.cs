using System.Collections;
using Crm.EventStore.Sealing;

namespace Crm.EventStore.Log;

/// <summary>
/// A stream's events in order of version as a decision goes by them, and the key of its personal data: read together, so that an append
/// which expects this version seals with this key.
/// </summary>
/// <param name="events">The events.</param>
/// <param name="key">The key.</param>
public sealed class StreamHistory(IReadOnlyList<StreamEvent> events, SubjectKey key) : IReadOnlyList<StreamEvent>
{
    /// <summary>The history of a stream that is not there.</summary>
    public static StreamHistory Empty { get; } = new([], SubjectKey.None);

    /// <summary>The key of the stream's personal data.</summary>
    public SubjectKey Key { get; } = key;

    /// <summary>Whether that key was lost, and what it sealed stands here as if it had been destroyed.</summary>
    public bool IsKeyLost { get; init; }

    /// <inheritdoc/>
    public int Count => events.Count;

    /// <inheritdoc/>
    public StreamEvent this[int index] => events[index];

    /// <inheritdoc/>
    public IEnumerator<StreamEvent> GetEnumerator() => events.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => events.GetEnumerator();
}

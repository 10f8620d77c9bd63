namespace Crm.EventStore.Log;

/// <summary>What waits for a loop with a thread of its own: many put in, one takes out everything at once.</summary>
internal sealed class Inbox<T>
{
    private readonly object door = new();
    private List<T> waiting = [];
    private List<T> taken = [];
    private bool closed;

    /// <summary>Puts one in, and wakes the loop.</summary>
    /// <exception cref="ObjectDisposedException">The loop is ending.</exception>
    public void Put(T item)
    {
        lock (door)
        {
            ObjectDisposedException.ThrowIf(closed, this);
            waiting.Add(item);
            if (waiting.Count == 1)
            {
                Monitor.Pulse(door);
            }
        }
    }

    /// <summary>
    /// Takes what is there; waits until there is something when told to. The list is the inbox's own, and good until the next call.
    /// Empty after a wait: it was closed.
    /// </summary>
    public List<T> Take(bool wait)
    {
        taken.Clear();
        lock (door)
        {
            while (wait && waiting.Count == 0 && !closed)
            {
                Monitor.Wait(door);
            }

            (waiting, taken) = (taken, waiting);
        }

        return taken;
    }

    /// <summary>Takes nothing more in, and lets the loop end.</summary>
    public void Close()
    {
        lock (door)
        {
            closed = true;
            Monitor.Pulse(door);
        }
    }
}

namespace Crm.EventStore.Log;

/// <summary>
/// The highest position that this host knows to be committed, and a wait for it to move on.
/// Fed by the host's own writer in process and by <c>NOTIFY</c> from others; a wake-up, never a truth: readers ask the log.
/// </summary>
public sealed class LogPosition
{
    private readonly Lock gate = new();
    private TaskCompletionSource moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long known;

    /// <summary>The highest position known to be committed; 0 before any is known.</summary>
    public long Known => Interlocked.Read(ref known);

    /// <summary>Says that a position has been committed.</summary>
    public void Advance(long position)
    {
        TaskCompletionSource woken;
        lock (gate)
        {
            if (position <= known)
            {
                return;
            }

            Interlocked.Exchange(ref known, position);
            woken = moved;
            moved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        woken.TrySetResult();
    }

    /// <summary>Waits until a position beyond this one is known, or the time is up (then false): the polling fallback.</summary>
    public async Task<bool> WaitBeyond(long position, TimeSpan atMost, CancellationToken ct)
    {
        Task wait;
        lock (gate)
        {
            if (known > position)
            {
                return true;
            }

            wait = moved.Task;
        }

        try
        {
            await wait.WaitAsync(atMost, ct);
            return true;
        }
        catch (TimeoutException)
        {
            return Known > position;
        }
    }
}

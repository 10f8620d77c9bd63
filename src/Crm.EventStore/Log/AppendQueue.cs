namespace Crm.EventStore.Log;

/// <summary>
/// The commands that wait for a batch, in the order of their arrival, for the lanes that append them. Two batches may be under way at the
/// same time, but never two commands that touch the same stream, receipt, unique key or bookmark: the later one waits for the earlier.
/// </summary>
/// <param name="options">The limits of a batch.</param>
/// <param name="time">The clock by which commands are given up.</param>
internal sealed class AppendQueue(EventLogOptions options, TimeProvider time)
{
    // Below this, a second batch would cost more than it saves.
    private const int LeastForSecond = 64;

    private readonly object door = new();
    private readonly HashSet<Guid> streams = [];
    private readonly HashSet<(string Scope, string Key)> keys = [];

    // One list is filled while the other is walked.
    private List<PendingAppend> waiting = [];
    private List<PendingAppend> rest = [];
    private int underWay;
    private int lastTaken;
    private bool closed;

    /// <summary>The timestamp after which a command that comes now is given up.</summary>
    public long NextDeadline() => time.GetTimestamp() + (long)(options.CommandDeadline.TotalSeconds * time.TimestampFrequency);

    /// <summary>How long the commands of a batch may still wait.</summary>
    public TimeSpan Remaining(List<PendingAppend> commands) =>
        time.GetElapsedTime(time.GetTimestamp(), Math.Max(commands.Max(static pending => pending.Deadline), time.GetTimestamp() + 1));

    /// <summary>Puts a command at the end, and wakes a lane if it is worth its while.</summary>
    /// <exception cref="ObjectDisposedException">The log is closing.</exception>
    public void Put(PendingAppend pending)
    {
        lock (door)
        {
            ObjectDisposedException.ThrowIf(closed, this);
            waiting.Add(pending);
            if (waiting.Count >= Enough)
            {
                Monitor.Pulse(door);
            }
        }
    }

    /// <summary>Puts commands that did not come to their end in front again: they came before all that wait.</summary>
    public void PutBack(List<PendingAppend> again)
    {
        lock (door)
        {
            waiting.InsertRange(0, again);
            Monitor.PulseAll(door);
        }
    }

    /// <summary>
    /// Fills an empty batch with what waits. A lone command goes at once; while another batch is under way, which would make this one wait
    /// in the database anyway, it lets some come together.
    /// </summary>
    /// <returns>False at the end: nothing waits, and nothing will come.</returns>
    public bool Take(AppendBatch batch)
    {
        lock (door)
        {
            while (true)
            {
                if (waiting.Count >= Enough)
                {
                    Fill(batch);
                    if (batch.Commands.Count > 0)
                    {
                        underWay++;
                        lastTaken = batch.Commands.Count;
                        return true;
                    }
                }

                if (closed && waiting.Count == 0)
                {
                    Monitor.PulseAll(door);
                    return false;
                }

                // What waits, waits for a batch that is under way: its end wakes this lane.
                Monitor.Wait(door);
            }
        }
    }

    /// <summary>A batch has come to its end, whatever it was: what it touched is free again.</summary>
    public void Release(AppendBatch batch)
    {
        lock (door)
        {
            foreach (var pending in batch.Commands)
            {
                Forget(pending.Command);
            }

            underWay--;
            Monitor.PulseAll(door);
        }
    }

    /// <summary>Takes nothing more in; the lanes end when nothing is left.</summary>
    public void Close()
    {
        lock (door)
        {
            closed = true;
            Monitor.PulseAll(door);
        }
    }

    private int Enough => underWay == 0 || closed ? 1 : Math.Max(LeastForSecond, lastTaken / 2);

    private void Fill(AppendBatch batch)
    {
        rest.Clear();
        var now = time.GetTimestamp();
        foreach (var pending in waiting)
        {
            if (now > pending.Deadline)
            {
                pending.GiveUp();
            }
            else if (batch.IsFull(options) || (pending.Alone && batch.Commands.Count > 0) || Touches(pending.Command))
            {
                rest.Add(pending);
            }
            else if (pending.Take())
            {
                Remember(pending.Command);
                batch.Add(pending);
            }
        }

        (waiting, rest) = (rest, waiting);
    }

    private bool Touches(AppendCommand command)
    {
        foreach (var stream in command.Streams)
        {
            if (streams.Contains(stream.StreamId))
            {
                return true;
            }
        }

        return keys.Count > 0 && Keys(command).Any(keys.Contains);
    }

    private void Remember(AppendCommand command)
    {
        foreach (var stream in command.Streams)
        {
            streams.Add(stream.StreamId);
        }

        foreach (var key in Keys(command))
        {
            keys.Add(key);
        }
    }

    private void Forget(AppendCommand command)
    {
        foreach (var stream in command.Streams)
        {
            streams.Remove(stream.StreamId);
        }

        foreach (var key in Keys(command))
        {
            keys.Remove(key);
        }
    }

    // Receipts and bookmarks share one set with unique keys: a NUL, which no key can hold, keeps the three apart.
    private static IEnumerable<(string Scope, string Key)> Keys(AppendCommand command)
    {
        foreach (var key in command.Claims)
        {
            yield return (key.Scope, key.Key);
        }

        foreach (var key in command.Releases)
        {
            yield return (key.Scope, key.Key);
        }

        if (command.Receipt is { } receipt)
        {
            yield return ("\0receipt" + receipt.Caller, receipt.Key);
        }

        if (command.Bookmark is { } bookmark)
        {
            yield return ("\0bookmark" + bookmark.Scope, bookmark.Key);
        }
    }
}

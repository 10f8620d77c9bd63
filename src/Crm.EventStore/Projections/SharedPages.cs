using Crm.EventStore.Log;

namespace Crm.EventStore.Projections;

/// <summary>
/// Pages of the log, read and decoded once for all rebuilds that go through it at about the same time: a page stays for as long as
/// others may still come by, within bounds. A lone rebuild keeps none.
/// </summary>
internal sealed class SharedPages(LogPages log, int size)
{
    /// <summary>How many events a page holds where nothing else was asked for.</summary>
    public const int Size = 2_500;

    private const int Kept = 16;

    // Who begins while others are under way reads to the same end, so that their pages are his: what is beyond, he catches up with.
    private const int NearEnough = 10_000;

    private readonly Lock gate = new();
    private readonly Dictionary<Page, Task<IReadOnlyList<RecordedEvent>>> pages = [];
    private readonly Queue<Page> oldest = new();
    private int readers;
    private LogReading? begun;

    /// <summary>How many events a page holds; only the last holds less.</summary>
    public int PageSize => size;

    /// <summary>Says that one more rebuild goes through the log, until disposed.</summary>
    public IDisposable Enter()
    {
        lock (gate)
        {
            readers++;
        }

        return new Leaving(this);
    }

    /// <summary>What a rebuild reads that begins now: what the others read, if that is about the same.</summary>
    public LogReading Begin(LogReading now)
    {
        lock (gate)
        {
            if (begun is { } others && others.Erased == now.Erased && now.End - others.End <= NearEnough)
            {
                return others;
            }

            begun = now;
            return now;
        }
    }

    /// <summary>
    /// The page after a place; shared by those who read the same, so that nobody gets what was read before an erasure that is not beyond
    /// their end.
    /// </summary>
    public Task<IReadOnlyList<RecordedEvent>> Read(LogPlace after, LogReading reading, CancellationToken ct)
    {
        var page = new Page(after, reading);
        lock (gate)
        {
            if (readers <= 1)
            {
                return Load(page, ct);
            }

            if (!pages.TryGetValue(page, out var read) || read.IsFaulted)
            {
                // Not with one reader's token: others wait for the same page.
                read = Load(page, CancellationToken.None);
                if (!pages.ContainsKey(page))
                {
                    oldest.Enqueue(page);
                }

                pages[page] = read;
                while (oldest.Count > Kept)
                {
                    pages.Remove(oldest.Dequeue());
                }
            }

            return read.WaitAsync(ct);
        }
    }

    private Task<IReadOnlyList<RecordedEvent>> Load(Page page, CancellationToken ct) => log.Read(page.After, page.Reading.End, size, ct);

    private void Leave()
    {
        lock (gate)
        {
            if (--readers <= 1)
            {
                pages.Clear();
                oldest.Clear();
            }

            if (readers == 0)
            {
                begun = null;
            }
        }
    }

    private readonly record struct Page(LogPlace After, LogReading Reading);

    private sealed class Leaving(SharedPages pages) : IDisposable
    {
        public void Dispose() => pages.Leave();
    }
}

/// <summary>What a rebuild reads.</summary>
/// <param name="End">The last position that it reads.</param>
/// <param name="Erased">How many streams were erased when it began: pages that others read under another count are not shared.</param>
internal readonly record struct LogReading(long End, long Erased);

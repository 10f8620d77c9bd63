using Crm.EventStore.Log;

namespace Crm.EventStore.Projections;

/// <summary>
/// Pages of the log, read and decoded once for all rebuilds that go through it at about the same time: a page stays for as long as
/// others may still come by, within bounds. A lone rebuild keeps none.
/// </summary>
internal sealed class SharedPages(LogPages log)
{
    /// <summary>How many events a page holds.</summary>
    public const int Size = 5_000;

    private const int Kept = 24;

    private readonly Lock gate = new();
    private readonly Dictionary<Page, Task<IReadOnlyList<RecordedEvent>>> pages = [];
    private readonly Queue<Page> oldest = new();
    private int readers;

    /// <summary>Says that one more rebuild goes through the log, until disposed.</summary>
    public IDisposable Enter()
    {
        lock (gate)
        {
            readers++;
        }

        return new Leaving(this);
    }

    /// <summary>
    /// The events after one position and up to another, of one share of the streams; shared by those who began under the same count of
    /// erasures, so that nobody gets what was read before an erasure that is not beyond their end.
    /// </summary>
    public Task<IReadOnlyList<RecordedEvent>> Read(long after, long to, long erased, int shares, int share, CancellationToken ct)
    {
        var page = new Page(after, to, erased, shares, share);
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

    private Task<IReadOnlyList<RecordedEvent>> Load(Page page, CancellationToken ct) =>
        log.Read(page.After, page.To, page.Shares, page.Share, ct);

    private void Leave()
    {
        lock (gate)
        {
            if (--readers <= 1)
            {
                pages.Clear();
                oldest.Clear();
            }
        }
    }

    private readonly record struct Page(long After, long To, long Erased, int Shares, int Share);

    private sealed class Leaving(SharedPages pages) : IDisposable
    {
        public void Dispose() => pages.Leave();
    }
}

using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Crm.EventStore.Log;

namespace Crm.EventStore.Projections;

/// <summary>
/// Goes through the log for one rebuild, once for each share of the streams, and reads ahead while the fold works: one page is being
/// read, one being folded.
/// </summary>
/// <param name="pages">Where the pages come from.</param>
/// <param name="end">The position up to which the log is read.</param>
/// <param name="erased">How many streams were erased when the reading began: pages that others read under another count are not shared.</param>
/// <param name="shares">In how many shares of the streams.</param>
/// <param name="progress">Told how many events have been folded.</param>
internal sealed class ReadingAhead(SharedPages pages, long end, long erased, int shares, IProgress<RebuildProgress>? progress)
{
    /// <summary>How many events were folded so far, over all shares.</summary>
    public long Folded { get; private set; }

    /// <summary>The pages of each share, in order.</summary>
    public IEnumerable<IAsyncEnumerable<IReadOnlyList<RecordedEvent>>> Shares(CancellationToken ct) =>
        Enumerable.Range(0, shares).Select(share => Pages(share, ct));

    private async IAsyncEnumerable<IReadOnlyList<RecordedEvent>> Pages(int share, [EnumeratorCancellation] CancellationToken ct)
    {
        var ahead = Channel.CreateBounded<IReadOnlyList<RecordedEvent>>(2);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var reading = Task.Run(() => Read(ahead.Writer, share, stop.Token), stop.Token);
        try
        {
            await foreach (var page in ahead.Reader.ReadAllAsync(ct))
            {
                yield return page;
                Folded += page.Count;
                progress?.Report(new RebuildProgress("reading", Folded, end));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await reading.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task Read(ChannelWriter<IReadOnlyList<RecordedEvent>> ahead, int share, CancellationToken ct)
    {
        try
        {
            // A page of one share in ten spans ten times the positions.
            for (long after = 0, to; after < end; after = to)
            {
                to = Math.Min(end, after + ((long)SharedPages.Size * shares));
                await ahead.WriteAsync(await pages.Read(after, to, erased, shares, share, ct), ct);
            }

            ahead.Complete();
        }
        catch (Exception failed)
        {
            ahead.Complete(failed);
        }
    }
}

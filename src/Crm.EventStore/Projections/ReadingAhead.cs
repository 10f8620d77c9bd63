using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Crm.EventStore.Log;

namespace Crm.EventStore.Projections;

/// <summary>
/// Goes through the log for one rebuild, stream by stream, and reads ahead while the fold works: one page is being read, one being folded.
/// </summary>
/// <param name="pages">Where the pages come from.</param>
/// <param name="reading">What is read.</param>
/// <param name="progress">Told how many events have been folded.</param>
internal sealed class ReadingAhead(SharedPages pages, LogReading reading, IProgress<RebuildProgress>? progress)
{
    /// <summary>How many events were folded so far.</summary>
    public long Folded { get; private set; }

    /// <summary>The pages in order.</summary>
    public async IAsyncEnumerable<IReadOnlyList<RecordedEvent>> Pages([EnumeratorCancellation] CancellationToken ct)
    {
        var ahead = Channel.CreateBounded<IReadOnlyList<RecordedEvent>>(2);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var read = Task.Run(() => Read(ahead.Writer, stop.Token), stop.Token);
        try
        {
            await foreach (var page in ahead.Reader.ReadAllAsync(ct))
            {
                yield return page;
                Folded += page.Count;
                progress?.Report(new RebuildProgress("reading", Folded, reading.End));
            }
        }
        finally
        {
            await stop.CancelAsync();
            await read.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task Read(ChannelWriter<IReadOnlyList<RecordedEvent>> ahead, CancellationToken ct)
    {
        try
        {
            var after = LogPlace.Beginning;
            IReadOnlyList<RecordedEvent> page;
            do
            {
                page = await pages.Read(after, reading, ct);
                await ahead.WriteAsync(page, ct);
                after = page is [.., var last] ? new LogPlace(last.StreamId, last.Version) : after;
            }
            while (page.Count == pages.PageSize);

            ahead.Complete();
        }
        catch (Exception failed)
        {
            ahead.Complete(failed);
        }
    }
}

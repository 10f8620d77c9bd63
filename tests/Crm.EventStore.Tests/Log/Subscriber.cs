using Crm.EventStore.Log;

namespace Crm.EventStore.Tests.Log;

/// <summary>Follows the log while it grows, as projections do, and keeps what it saw in the order in which it saw it.</summary>
public sealed class Subscriber : IAsyncDisposable
{
    private readonly EventLog log;
    private readonly CancellationTokenSource stopping = new();
    private readonly List<RecordedEvent> seen = [];
    private readonly Task following;
    private long last;

    public Subscriber(EventLog log, LogTail? tail = null)
    {
        this.log = log;
        following = Follow(tail);
    }

    /// <summary>What it saw, once it has seen everything up to a position.</summary>
    public async Task<IReadOnlyList<RecordedEvent>> Seen(long upTo, CancellationToken ct)
    {
        var everything = Crm.Testing.Eventually.IsTrue(() => Volatile.Read(ref last) >= upTo, ct);
        await await Task.WhenAny(following, everything);
        await everything;
        lock (seen)
        {
            return [.. seen];
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stopping.Dispose();
    }

    private async Task Follow(LogTail? tail)
    {
        while (true)
        {
            await log.Position.WaitBeyond(last, TimeSpan.FromMilliseconds(200), stopping.Token);
            try
            {
                var events = await (tail?.ReadAfter(last, 500, stopping.Token) ?? log.ReadAfter(last, 500, stopping.Token));
                lock (seen)
                {
                    seen.AddRange(events);
                }

                Volatile.Write(ref last, last + events.Count);
            }
            catch (LogUnavailableException)
            {
                // The database is away: what is missing is read when it is back.
            }
        }
    }
}

using Crm.EventStore.Log;

namespace Crm.Web.Http;

/// <summary>
/// Where the log stood a moment ago, so that a read model can be told that is behind by seconds from one that is behind by the events of
/// this instant.
/// </summary>
public sealed class RecentPositions(EventLog log, TimeProvider clock)
{
    private static readonly TimeSpan Forgiven = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Apart = TimeSpan.FromMilliseconds(250);

    private readonly Queue<(long Taken, long Position)> samples = new();
    private readonly Lock gate = new();
    private long last;

    /// <summary>
    /// The position that a read model must have reached: where the log stood some two to four seconds ago or, where nobody has asked
    /// since, where it stands now.
    /// </summary>
    public long Needed()
    {
        lock (gate)
        {
            var now = clock.GetTimestamp();
            while (samples.TryPeek(out var oldest) && clock.GetElapsedTime(oldest.Taken, now) > Remembered)
            {
                samples.Dequeue();
            }

            var needed = samples.TryPeek(out var sample) && clock.GetElapsedTime(sample.Taken, now) >= Forgiven
                ? sample.Position
                : log.Position.Known;
            if (samples.Count == 0 || clock.GetElapsedTime(last, now) >= Apart)
            {
                samples.Enqueue((now, log.Position.Known));
                last = now;
            }

            return needed;
        }
    }
}

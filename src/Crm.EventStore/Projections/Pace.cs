using System.Diagnostics;
using Crm.EventStore.Log;

namespace Crm.EventStore.Projections;

/// <summary>
/// Who goes first when there is not enough processor for all: commands. While the log takes more than a thousand events a second, this
/// host's projections go one at a time and rest as long as they worked, so that they never take more than about half a core; a
/// projection that falls far behind is let off, which bounds its lag.
/// </summary>
internal sealed class Pace(LogPosition position) : IDisposable
{
    private const double BusyEventsPerSecond = 1_000;
    private const long MostLag = 50_000;
    private static readonly TimeSpan Sample = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestRest = TimeSpan.FromMilliseconds(250);

    private readonly Lock gate = new();
    private readonly SemaphoreSlim turn = new(1);
    private long sampledAt = Stopwatch.GetTimestamp();
    private long sampled = position.Known;
    private bool busy;

    /// <summary>Runs a batch of a projection that has come up to a position, at once or in its turn.</summary>
    public async Task<T> Run<T>(long reached, Func<Task<T>> batch, CancellationToken ct)
    {
        if (!IsBusy() || position.Known - reached > MostLag)
        {
            return await batch();
        }

        await turn.WaitAsync(ct);
        try
        {
            var began = Stopwatch.GetTimestamp();
            var result = await batch();
            var worked = Stopwatch.GetElapsedTime(began);
            await Task.Delay(worked < LongestRest ? worked : LongestRest, ct);
            return result;
        }
        finally
        {
            turn.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => turn.Dispose();

    private bool IsBusy()
    {
        lock (gate)
        {
            var elapsed = Stopwatch.GetElapsedTime(sampledAt);
            if (elapsed >= Sample)
            {
                var known = position.Known;
                busy = (known - sampled) / elapsed.TotalSeconds >= BusyEventsPerSecond;
                (sampled, sampledAt) = (known, Stopwatch.GetTimestamp());
            }

            return busy;
        }
    }
}

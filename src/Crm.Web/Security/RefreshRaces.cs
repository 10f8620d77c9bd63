using System.Collections.Concurrent;

namespace Crm.Web.Security;

/// <summary>
/// Requests of this host that use the same refresh token at the same moment, such as two tabs that wake up together. They take turns, and
/// one that was under way when another used the token has lost a race, which is no theft; one that began afterwards has not. Between
/// hosts the database decides: a use that was not there yet when the other one's statement began.
/// </summary>
internal sealed class RefreshRaces(TimeProvider clock)
{
    private readonly ConcurrentDictionary<string, Race> running = new(StringComparer.Ordinal);

    /// <summary>Takes part with a token; leaves when it is disposed.</summary>
    public async Task<Runner> Join(byte[] tokenHash, CancellationToken ct)
    {
        var began = clock.GetTimestamp();
        var race = Enter(Convert.ToHexString(tokenHash));
        try
        {
            await race.Turn.WaitAsync(ct);
        }
        catch
        {
            Leave(race);
            throw;
        }

        return new Runner(this, race, began);
    }

    private long Now() => clock.GetTimestamp();

    private Race Enter(string key)
    {
        while (true)
        {
            var race = running.GetOrAdd(key, static key => new Race(key));
            lock (race)
            {
                // Between finding it and taking its lock, its last runner may have left.
                if (!race.IsOver)
                {
                    race.Runners++;
                    return race;
                }
            }
        }
    }

    private void Leave(Race race)
    {
        lock (race)
        {
            race.Runners--;
            if (race.Runners == 0)
            {
                race.IsOver = true;
                running.TryRemove(KeyValuePair.Create(race.Key, race));
                race.Dispose();
            }
        }
    }

    /// <summary>One request's turn in it.</summary>
    internal sealed class Runner(RefreshRaces races, Race race, long began) : IDisposable
    {
        /// <summary>Whether another request used the token after this one had begun.</summary>
        public bool IsLost => race.WonAt is { } won && began <= won;

        /// <summary>This request has used the token.</summary>
        public void Won() => race.WonAt = races.Now();

        /// <inheritdoc/>
        public void Dispose()
        {
            race.Turn.Release();
            races.Leave(race);
        }
    }

    /// <summary>The requests that use one token now.</summary>
    internal sealed class Race(string key) : IDisposable
    {
        public string Key => key;

        public SemaphoreSlim Turn { get; } = new(1, 1);

        public int Runners { get; set; }

        public bool IsOver { get; set; }

        public long? WonAt { get; set; }

        public void Dispose() => Turn.Dispose();
    }
}

using System.Collections.Concurrent;
using System.Globalization;

namespace Crm.Web.Hosting;

/// <summary>
/// How much each caller may still ask of this host: a bucket that refills evenly, kept as the single moment at which it will be full
/// again (the generic cell rate algorithm). Taking from it allocates nothing, and what is told of it are texts made beforehand.
/// </summary>
public sealed class CallerBudgets
{
    private const int MostCallers = 50_000;
    private const int MostTexts = 1_000;

    private readonly ConcurrentDictionary<string, Budget> budgets = new(StringComparer.Ordinal);
    private readonly Budget strangers = new();
    private readonly TimeProvider clock;
    private readonly string[] texts;
    private readonly int step;
    private readonly int burst;
    private readonly double ticksEach;
    private readonly long ticksAll;
    private long count;
    private long swept;

    /// <summary>Budgets of one kind.</summary>
    /// <param name="name">The kind, as the headers call it.</param>
    /// <param name="burst">How many requests a full bucket holds.</param>
    /// <param name="perSecond">How many are added a second.</param>
    /// <param name="clock">Its steady timestamp is used, so that a clock that is set throttles nobody.</param>
    public CallerBudgets(string name, int burst, double perSecond, TimeProvider clock)
    {
        this.clock = clock;
        this.burst = burst;
        ticksEach = clock.TimestampFrequency / perSecond;
        ticksAll = (long)Math.Ceiling(ticksEach * burst);
        step = Math.Max(1, burst / MostTexts);
        Policy = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";q={burst};w={Math.Ceiling(burst / perSecond)}");
        texts = [.. Enumerable.Range(0, (burst / step) + 1).Select(part => string.Create(
            CultureInfo.InvariantCulture, $"\"{name}\";r={part * step};t={Math.Ceiling((burst - (part * step)) / perSecond)}"))];
    }

    /// <summary>What is said in <c>RateLimit-Policy</c>.</summary>
    public string Policy { get; }

    /// <summary>How many callers are remembered.</summary>
    public long Callers => Interlocked.Read(ref count);

    /// <summary>Takes one request from a caller's budget.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="left">What to say in <c>RateLimit</c>: what is left, in large budgets to about a thousandth, never too much.</param>
    /// <param name="retryAfter">After how many seconds to ask again, when it is refused.</param>
    /// <returns>Whether there was one left.</returns>
    public bool Take(string caller, out string left, out int retryAfter)
    {
        var now = clock.GetTimestamp();
        var budget = Of(caller, now);
        while (true)
        {
            var before = Volatile.Read(ref budget.FullAt);
            var after = Math.Max(before, now) + (long)ticksEach;
            var owed = after - now;
            if (owed > ticksAll)
            {
                left = texts[0];
                retryAfter = (int)Math.Max(1, Math.Ceiling((owed - ticksAll) / (double)clock.TimestampFrequency));
                return false;
            }

            if (Interlocked.CompareExchange(ref budget.FullAt, after, before) == before)
            {
                left = texts[Math.Clamp((int)((ticksAll - owed) / ticksEach), 0, burst) / step];
                retryAfter = 0;
                return true;
            }
        }
    }

    private Budget Of(string caller, long now)
    {
        if (budgets.TryGetValue(caller, out var known))
        {
            return known;
        }

        if (Interlocked.Read(ref count) >= MostCallers)
        {
            Sweep(now);
            if (Interlocked.Read(ref count) >= MostCallers)
            {
                // So many at once: those who come late share one budget until some have rested.
                return strangers;
            }
        }

        var added = new Budget();
        if (budgets.TryAdd(caller, added))
        {
            Interlocked.Increment(ref count);
            return added;
        }

        return budgets.GetValueOrDefault(caller, strangers);
    }

    /// <summary>Forgets whose budget is full again; at most once a second.</summary>
    private void Sweep(long now)
    {
        var last = Interlocked.Read(ref swept);
        if (now - last < clock.TimestampFrequency || Interlocked.CompareExchange(ref swept, now, last) != last)
        {
            return;
        }

        foreach (var (caller, budget) in budgets)
        {
            if (Volatile.Read(ref budget.FullAt) <= now && budgets.TryRemove(caller, out _))
            {
                Interlocked.Decrement(ref count);
            }
        }
    }

    private sealed class Budget
    {
        public long FullAt;
    }
}

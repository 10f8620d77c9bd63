namespace Crm.Projections;

/// <summary>The moment that a query reads: now, a time (what had happened by then), or a position (what the log held then).</summary>
public readonly record struct AsOf
{
    /// <summary>Now.</summary>
    public static AsOf Now => default;

    /// <summary>What had happened at this time or before it; null where the moment is not given by a time.</summary>
    public DateTimeOffset? Time { get; private init; }

    /// <summary>What the log held up to this position; null where the moment is not given by a position.</summary>
    public long? Position { get; private init; }

    /// <summary>Whether it is now.</summary>
    public bool IsNow => Time is null && Position is null;

    /// <summary>What had happened at this time or before it.</summary>
    public static AsOf At(DateTimeOffset time) => new() { Time = Times.ToMicroseconds(time) };

    /// <summary>What the log held up to this position.</summary>
    public static AsOf UpTo(long position) => new() { Position = position };
}

/// <summary>What a report covers: what happened from one time to another (both included, both optional), as known at a moment.</summary>
/// <param name="From">The first time; null from the beginning.</param>
/// <param name="To">The last time; null to the end.</param>
/// <param name="AsOf">The moment that the report reads.</param>
public sealed record Period(DateTimeOffset? From, DateTimeOffset? To, AsOf AsOf)
{
    /// <summary>Everything, now.</summary>
    public static Period Everything { get; } = new(null, null, AsOf.Now);

    /// <summary>From the beginning up to the same moment: what levels (how many now) are read with.</summary>
    public Period UpToMoment => this with { From = null, To = null };

    /// <summary>The last time that counts: the period's end or the moment, whichever is earlier; null for no end.</summary>
    public DateTimeOffset? End => (To, AsOf.Time) switch
    {
        ({ } to, { } moment) => to < moment ? to : moment,
        var (to, moment) => to ?? moment,
    };
}

namespace Crm.Projections;

/// <summary>Times as read models keep them: UTC, to the microsecond, as PostgreSQL does.</summary>
public static class Times
{
    /// <summary>The time in UTC, cut to the microsecond.</summary>
    public static DateTimeOffset ToMicroseconds(DateTimeOffset at)
    {
        var utc = at.ToUniversalTime();
        return utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerMicrosecond));
    }

    /// <summary>The later of two times.</summary>
    public static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one >= other ? one : other;

    /// <summary>The later of two times, of which the first may not be there yet.</summary>
    public static DateTimeOffset Later(DateTimeOffset? one, DateTimeOffset other) => one is { } present ? Later(present, other) : other;

    /// <summary>How long from one time to another, in microseconds; never below zero.</summary>
    public static long MicrosBetween(DateTimeOffset from, DateTimeOffset to) =>
        Math.Max(0, (to - from).Ticks / TimeSpan.TicksPerMicrosecond);

    /// <summary>The day of a time, in UTC.</summary>
    public static DateOnly DayOf(DateTimeOffset at) => DateOnly.FromDateTime(at.UtcDateTime);
}

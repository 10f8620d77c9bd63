using Crm.EventStore.Projections;

namespace Crm.Projections;

/// <summary>A range of time as whole days and the rest of days that it cuts.</summary>
internal sealed class DayRange
{
    private static readonly DateOnly FirstDay = TotalKey.AllTime.AddDays(1);
    private static readonly DateOnly LastDay = DateOnly.MaxValue.AddDays(-1);
    private static readonly TimeSpan Tick = TimeSpan.FromMicroseconds(1);

    public DayRange(DateTimeOffset? from, DateTimeOffset? to)
    {
        var start = from is { } f ? Times.Later(StartOf(FirstDay), Times.ToMicroseconds(f)) : (DateTimeOffset?)null;
        var end = to is { } t && t < StartOf(LastDay) ? Times.ToMicroseconds(t) : (DateTimeOffset?)null;
        var first = start is { } s ? (s == StartOf(Times.DayOf(s)) ? Times.DayOf(s) : Times.DayOf(s).AddDays(1)) : FirstDay;
        var last = end is { } e ? (e == EndOf(Times.DayOf(e)) ? Times.DayOf(e) : Times.DayOf(e).AddDays(-1)) : LastDay;
        if (first > last)
        {
            // Within one day, or over midnight without a whole day: the facts alone. An end before the start holds nothing.
            Cut = [(start ?? StartOf(FirstDay), end ?? EndOf(last))];
            return;
        }

        Whole = (first, last);
        var cut = new List<(DateTimeOffset From, DateTimeOffset To)>(2);
        if (start is { } begins && begins < StartOf(first))
        {
            cut.Add((begins, StartOf(first) - Tick));
        }

        if (end is { } ends && ends > EndOf(last))
        {
            cut.Add((StartOf(last.AddDays(1)), ends));
        }

        Cut = cut;
    }

    public (DateOnly First, DateOnly Last)? Whole { get; }

    public IReadOnlyList<(DateTimeOffset From, DateTimeOffset To)> Cut { get; }

    private static DateTimeOffset StartOf(DateOnly day) => new(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero);

    private static DateTimeOffset EndOf(DateOnly day) => StartOf(day.AddDays(1)) - Tick;
}

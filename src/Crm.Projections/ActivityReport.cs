using Npgsql;

namespace Crm.Projections;

/// <summary>How often something happened.</summary>
/// <param name="What">An event's stored name, or for activities kind and direction such as <c>call out</c>.</param>
/// <param name="Count">How often.</param>
public sealed record ActivityLine(string What, long Count);

/// <summary>What happened on one day.</summary>
/// <param name="Day">The day, in UTC.</param>
/// <param name="Events">Events by stored name.</param>
public sealed record ActivityDay(DateOnly Day, IReadOnlyList<ActivityLine> Events);

/// <summary>The report on what happened.</summary>
/// <param name="Total">All events of leads in the period.</param>
/// <param name="Events">Events by stored name.</param>
/// <param name="Activities">Activities by kind and direction.</param>
/// <param name="Days">The same per day, for the days on which anything happened.</param>
public sealed record ActivityReport(
    long Total, IReadOnlyList<ActivityLine> Events, IReadOnlyList<ActivityLine> Activities, IReadOnlyList<ActivityDay> Days);

/// <summary>How long the intervals of a trend are.</summary>
public enum TrendInterval
{
    /// <summary>A day, in UTC.</summary>
    Day,

    /// <summary>A week by ISO 8601, from Monday.</summary>
    Week,

    /// <summary>A month.</summary>
    Month,
}

/// <summary>One interval of a trend.</summary>
/// <param name="Start">Its first day.</param>
/// <param name="Count">How often it happened.</param>
public sealed record TrendPoint(DateOnly Start, long Count);

public sealed partial class Activity
{
    private const int MostDays = 36_600;
    private const string ActivityLogged = "lead-activity-logged";

    private static readonly string[] AllEvents = [.. Crm.Domain.Leads.LeadEvent.StoredNames.Keys];

    /// <summary>The metrics of a trend, and the events that each counts.</summary>
    public static IReadOnlyDictionary<string, string[]> Metrics { get; } = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["captured"] = ["lead-captured"],
        ["contacted"] = ["lead-contacted"],
        ["qualified"] = ["lead-qualified"],
        ["disqualified"] = ["lead-disqualified"],
        ["converted"] = ["lead-converted"],
        ["assigned"] = ["lead-assigned", "lead-claimed", "lead-transferred"],
        ["activities"] = [ActivityLogged],
        ["notes"] = ["lead-note-added"],
        ["reopened"] = ["lead-reopened"],
        ["archived"] = ["lead-archived"],
        ["events"] = AllEvents,
    };

    /// <summary>What happened in the period: in all, per event, per kind and direction of activity, and per day.</summary>
    /// <param name="database">The read models.</param>
    /// <param name="period">The period.</param>
    /// <param name="visible">Whose leads count.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="actor">Only what this actor did; null for everybody.</param>
    public static async Task<ActivityReport> Read(
        NpgsqlDataSource database, Period period, Visibility visible, CancellationToken ct, string? actor = null)
    {
        await using var ledger = await LedgerReader.Open(database, "activity", visible, ct, byDim2: false);
        var sums = await ledger.Read(AllEvents, period, ct, byDay: true, ofDim2: actor);
        return new ActivityReport(
            sums.Sum(sum => sum.Count),
            Lines(sums, sum => sum.Measure),
            Lines(sums.Where(sum => sum.Measure == ActivityLogged), sum => sum.Dim1),
            [
                .. sums.GroupBy(sum => sum.Day).OrderBy(day => day.Key)
                    .Select(day => new ActivityDay(day.Key.GetValueOrDefault(), Lines(day, sum => sum.Measure))),
            ]);
    }

    /// <summary>
    /// How often something happened in each interval, from that of the period's beginning (or of the first event) to that of its end (or
    /// of the last event); intervals in which it did not happen count 0.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such metric, or the period is longer than a hundred years.</exception>
    public static async Task<IReadOnlyList<TrendPoint>> Trend(
        NpgsqlDataSource database, string metric, TrendInterval interval, Period period, Visibility visible, CancellationToken ct)
    {
        if (!Metrics.TryGetValue(metric, out var events))
        {
            throw new ArgumentException($"There is no metric {metric}; there are {string.Join(", ", Metrics.Keys)}.", nameof(metric));
        }

        await using var ledger = await LedgerReader.Open(database, "activity", visible, ct, byDim2: false);
        var counts = (await ledger.Read(events, period, ct, byDay: true))
            .GroupBy(sum => StartOf(interval, sum.Day.GetValueOrDefault()))
            .ToDictionary(group => group.Key, group => group.Sum(sum => sum.Count));
        if (FirstStart(interval, period.From, counts.Keys) is not { } first || LastStart(interval, period.End, counts.Keys) is not { } last)
        {
            return [];
        }

        if (last.DayNumber - first.DayNumber > MostDays)
        {
            throw new ArgumentException($"A trend covers at most {MostDays} days.", nameof(period));
        }

        var points = new List<TrendPoint>();
        for (var start = first; start <= last; start = Next(interval, start))
        {
            points.Add(new TrendPoint(start, counts.GetValueOrDefault(start)));
        }

        return points;
    }

    private static DateOnly? FirstStart(TrendInterval interval, DateTimeOffset? from, Dictionary<DateOnly, long>.KeyCollection starts) =>
        from is { } given ? StartOf(interval, Times.DayOf(given)) : starts.Count == 0 ? null : starts.Min();

    private static DateOnly? LastStart(TrendInterval interval, DateTimeOffset? to, Dictionary<DateOnly, long>.KeyCollection starts) =>
        to is { } given ? StartOf(interval, Times.DayOf(given)) : starts.Count == 0 ? null : starts.Max();

    private static DateOnly StartOf(TrendInterval interval, DateOnly day) => interval switch
    {
        TrendInterval.Day => day,
        TrendInterval.Week => day.AddDays(-(((int)day.DayOfWeek + 6) % 7)),
        TrendInterval.Month => new DateOnly(day.Year, day.Month, 1),
    };

    private static DateOnly Next(TrendInterval interval, DateOnly start) => interval switch
    {
        TrendInterval.Day => start.AddDays(1),
        TrendInterval.Week => start.AddDays(7),
        TrendInterval.Month => start.AddMonths(1),
    };

    private static IReadOnlyList<ActivityLine> Lines(IEnumerable<Sum> sums, Func<Sum, string> what) =>
    [
        .. sums.GroupBy(what, StringComparer.Ordinal).Select(group => new ActivityLine(group.Key, group.Sum(sum => sum.Count)))
            .OrderByDescending(line => line.Count).ThenBy(line => line.What, StringComparer.Ordinal),
    ];
}

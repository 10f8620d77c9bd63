using Crm.Domain;
using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Projections.Tests;

/// <summary>Reports against a plain computation over the events themselves, for whole and cut periods, at times and positions.</summary>
public sealed class Reports(OrderlyReadModels models) : IClassFixture<OrderlyReadModels>
{
    private static readonly IReadOnlyList<RecordedEvent> History = OrderlyReadModels.History;
    private static readonly IReadOnlyList<Transition> Transitions = [.. TransitionsOf(History)];

    public static TheoryData<string> Periods =>
        ["everything", "to", "from", "from-to", "one day", "within a day", "whole days", "as of", "as of the end of a day",
            "early position", "late position", "position and period"];

    [Theory]
    [MemberData(nameof(Periods))]
    public async Task the_funnel_adds_up(string name)
    {
        var period = PeriodOf(name);
        var funnel = await Funnel.Read(models.Database, period, Visibility.All, TestContext.Current.CancellationToken);
        var flows = Transitions.Where(transition => In(transition.Event, period)).ToList();
        var now = Standing(period.UpToMoment);
        foreach (var line in funnel)
        {
            var here = now.Where(row => row.Lead.Status == line.Status && !row.Lead.IsArchived).ToList();
            var stays = flows.Where(flow => flow.Before == line.Status && flow.After != flow.Before).Select(flow => flow.Stayed).Order()
                .ToList();
            Assert.Equal(
                (line.Status, flows.Count(flow => flow.After == line.Status && flow.After != flow.Before), here.Count,
                    Onward(flows, line.Status), Median(stays)),
                (line.Status, (int)line.Entered, (int)line.Now, (int)line.ConvertedOnward, line.MedianSecondsInStatus));
            Assert.Equal(ValuesOf(here), line.ValueNow);
        }
    }

    [Theory]
    [MemberData(nameof(Periods))]
    public async Task the_activity_adds_up(string name)
    {
        var period = PeriodOf(name);
        var events = History.Where(recorded => recorded.Data is LeadEvent && In(recorded, period)).ToList();
        var report = await Activity.Read(models.Database, period, Visibility.All, TestContext.Current.CancellationToken);
        Assert.Equal(events.Count, report.Total);
        Assert.Equal(
            events.GroupBy(recorded => recorded.Type).ToDictionary(group => group.Key, group => (long)group.Count()),
            report.Events.ToDictionary(line => line.What, line => line.Count));
        Assert.Equal(
            events.Select(recorded => recorded.Data).OfType<LeadActivityLogged>()
                .GroupBy(activity => $"{Words.Of(activity.Kind)} {Words.Of(activity.Direction)}")
                .ToDictionary(group => group.Key, group => (long)group.Count()),
            report.Activities.ToDictionary(line => line.What, line => line.Count));
        Assert.Equal(
            events.GroupBy(recorded => Times.DayOf(recorded.At)).Select(day => (day.Key, (long)day.Count())).OrderBy(day => day.Key),
            report.Days.Select(day => (day.Day, day.Events.Sum(line => line.Count))));
    }

    [Theory]
    [MemberData(nameof(Periods))]
    public async Task the_activity_of_one_actor_is_theirs_alone(string name)
    {
        var period = PeriodOf(name);
        var actor = GeneratedHistory.Agents[1].ToString("D");
        var report = await Activity.Read(models.Database, period, Visibility.All, TestContext.Current.CancellationToken, actor);
        Assert.Equal(
            History.Count(recorded => recorded.Data is LeadEvent && recorded.Envelope.Actor == actor && In(recorded, period)),
                report.Total);
    }

    [Theory]
    [MemberData(nameof(Periods))]
    public async Task the_response_times_are_exact(string name)
    {
        var period = PeriodOf(name);
        var firsts = FirstReplies(anyKind: true).Where(first => In(first.Event, period)).Select(first => first.Waited).Order().ToList();
        var calls = FirstReplies(anyKind: false).Where(first => In(first.Event, period) && first.Kind == ActivityKind.Call)
            .Select(first => first.Waited).Order().ToList();
        var report = await ResponseTimes.Read(models.Database, period, Visibility.All, TestContext.Current.CancellationToken);
        var call = report.ByKind.SingleOrDefault(line => line.Kind == ActivityKind.Call);
        Assert.Equal(
            (firsts.Count, Median(firsts), calls.Count, Median(calls)),
            ((int)report.Any.Responded, report.Any.MedianSeconds, (int)(call?.Responded ?? 0), call?.MedianSeconds));
        var captured = History.Count(recorded => recorded.Data is LeadCaptured && In(recorded, period.UpToMoment));
        Assert.Equal(captured - FirstReplies(anyKind: true).Count(first => In(first.Event, period.UpToMoment)), (int)report.Waiting);
    }

    [Fact]
    public async Task the_sources_equal_the_leads_now()
    {
        var lines = await Sources.Read(models.Database, Period.Everything, Visibility.All, TestContext.Current.CancellationToken);
        var rows = Standing(Period.Everything);
        Assert.Equal(
            rows.GroupBy(row => row.Lead.Details.Source ?? Sources.None)
                .Select(group => (group.Key, (long)group.Count(), (long)group.Count(row => row.Lead.Status == LeadStatus.Converted),
                    (long)group.Count(row => row.Lead.Status == LeadStatus.Disqualified)))
                .OrderBy(line => line.Key, StringComparer.Ordinal),
            lines.Select(line => (line.Source, line.Captured, line.Converted, line.Disqualified))
                .OrderBy(line => line.Source, StringComparer.Ordinal));
        Assert.All(lines,
            line => Assert.Equal(ValuesOf(rows.Where(row => (row.Lead.Details.Source ?? Sources.None) == line.Source)),
                line.ValueCaptured));
    }

    [Fact]
    public async Task the_agents_own_what_the_leads_say()
    {
        var lines = await Agents.Read(models.Database, Period.Everything, Visibility.All, TestContext.Current.CancellationToken);
        var rows = Standing(Period.Everything);
        foreach (var agent in GeneratedHistory.Agents)
        {
            var line = lines.Single(one => one.AgentId == agent);
            Assert.Equal(rows.Count(row => row.Lead.OwnerId == agent && !row.Lead.IsArchived), line.Owned);
            Assert.Equal(History.Count(recorded => recorded.Data is LeadAssigned assigned && assigned.AgentId == agent), line.Assigned);
            Assert.Equal(
                History.Count(recorded => recorded.Data is LeadActivityLogged && recorded.Envelope.Actor == agent.ToString("D")),
                    line.Activities.Values.Sum());
        }

        Assert.Equal("Agent Zero", lines.Single(line => line.AgentId == GeneratedHistory.Agents[0]).Name);
        Assert.Equal(rows.Count(row => row.Lead.Status == LeadStatus.Converted), lines.Sum(line => line.Converted));
    }

    [Theory]
    [InlineData(TrendInterval.Day)]
    [InlineData(TrendInterval.Week)]
    [InlineData(TrendInterval.Month)]
    public async Task a_trend_fills_empty_intervals_with_zero(TrendInterval interval)
    {
        var from = Story.Start.AddDays(-40);
        var points = await Activity.Trend(
            models.Database, "captured", interval, new Period(from, Story.Start.AddDays(90), AsOf.Now), Visibility.All,
                TestContext.Current.CancellationToken);
        Assert.Equal(History.Count(recorded => recorded.Data is LeadCaptured), points.Sum(point => point.Count));
        Assert.Equal(0, points[0].Count);
        Assert.All(points, point => Assert.True(interval switch
        {
            TrendInterval.Day => true,
            TrendInterval.Week => point.Start.DayOfWeek == DayOfWeek.Monday,
            TrendInterval.Month => point.Start.Day == 1,
        }));
        Assert.All(points.Zip(points.Skip(1)), pair => Assert.True(pair.First.Start < pair.Second.Start));
    }

    [Fact]
    public async Task a_trend_of_an_unknown_metric_is_refused() => await Assert.ThrowsAsync<ArgumentException>(
        () => Activity.Trend(models.Database, "happiness", TrendInterval.Day, Period.Everything, Visibility.All, TestContext.Current.CancellationToken));

    [Theory]
    [InlineData("funnel")]
    [InlineData("sources")]
    [InlineData("agents")]
    [InlineData("activity")]
    [InlineData("response_times")]
    public async Task totals_equal_the_sum_of_the_facts(string ledger)
    {
        // The activity's totals are over all actors.
        var dim2 = ledger == "activity" ? "'' as dim2" : "dim2";
        await using var command = models.Database.CreateCommand(
            $"""
            with days as (select measure, day, dim1, dim2, currency, sum(count) as count, sum(amount) as amount
                          from crm_read.{ledger}_totals group by 1, 2, 3, 4, 5),
                 facts as (select measure, (at at time zone 'UTC')::date as day, dim1, {dim2}, currency, sum(count) as count,
                     sum(amount) as amount
                           from crm_read.{ledger}_facts group by 1, 2, 3, 4, 5),
                 every as (select measure, '-infinity'::date, dim1, dim2, currency, sum(count), sum(amount) from facts group by 1, 3, 4, 5)
            select count(*) from ((select * from days) except (select * from facts union all select * from every)) as wrong
            """);
        Assert.Equal(0L, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    private static Period PeriodOf(string name)
    {
        var at = History.Select(recorded => recorded.At).Order().ToList();
        var (early, late) = (at[at.Count / 4], at[at.Count * 3 / 4]);
        var noon = new DateTimeOffset(late.Date.AddHours(12), TimeSpan.Zero);
        var midnight = new DateTimeOffset(late.Date, TimeSpan.Zero);
        var lastTick = TimeSpan.FromMicroseconds(1);
        return name switch
        {
            "everything" => Period.Everything,
            "to" => new Period(null, late, AsOf.Now),
            "from" => new Period(early, null, AsOf.Now),
            "from-to" => new Period(early, late, AsOf.Now),
            "one day" => new Period(midnight, midnight.AddDays(1) - lastTick, AsOf.Now),
            "within a day" => new Period(noon.AddHours(-3), noon, AsOf.Now),
            "whole days" => new Period(midnight.AddDays(-7), midnight - lastTick, AsOf.Now),
            "as of" => new Period(null, null, AsOf.At(early)),
            "as of the end of a day" => new Period(null, null, AsOf.At(midnight - lastTick)),
            "early position" => new Period(null, null, AsOf.UpTo(History.Count / 4)),
            "late position" => new Period(null, null, AsOf.UpTo(History.Count * 3 / 4)),
            "position and period" => new Period(early, late, AsOf.UpTo(History.Count * 2 / 3)),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No such period."),
        };
    }

    private static bool In(RecordedEvent recorded, Period period) =>
        (period.From is null || recorded.At >= period.From)
        && (period.End is null || recorded.At <= period.End)
        && (period.AsOf.Position is null || recorded.Position <= period.AsOf.Position);

    private static List<LeadRow> Standing(Period period) =>
    [
        .. History.Where(recorded => recorded.Data is LeadEvent && In(recorded, period)).GroupBy(recorded => recorded.StreamId)
            .Select(stream => LeadRow.Fold(stream)).OfType<LeadRow>(),
    ];

    private static List<Money> ValuesOf(IEnumerable<LeadRow> rows) =>
    [
        .. rows.Select(row => row.Lead.Details.Value).OfType<Money>().GroupBy(value => value.Currency)
            .Select(group => new Money(group.Sum(value => value.Amount), group.Key))
            .OrderBy(value => value.Currency, StringComparer.Ordinal),
    ];

    private static decimal? Median(List<decimal> sorted) =>
        sorted.Count == 0 ? null : (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;

    private static int Onward(List<Transition> flows, LeadStatus status) =>
        flows.Where(flow => flow.Before != flow.After && flow.PassedBefore.Contains(status))
            .Sum(flow => flow.After == LeadStatus.Converted ? 1 : flow.Before == LeadStatus.Converted ? -1 : 0);

    private static IEnumerable<Transition> TransitionsOf(IEnumerable<RecordedEvent> events)
    {
        foreach (var stream in events.Where(recorded => recorded.Data is LeadEvent).GroupBy(recorded => recorded.StreamId))
        {
            var lead = Lead.Initial;
            var since = default(DateTimeOffset);
            var passed = new HashSet<LeadStatus>();
            foreach (var recorded in stream)
            {
                var after = Lead.Evolve(lead, (LeadEvent)recorded.Data);
                yield return new Transition(
                    recorded, lead.Status, after.Status, (recorded.At - since).Ticks / 10_000_000m,
                    [.. passed.Where(status => status != LeadStatus.Converted)]);
                since = after.Status == lead.Status ? since : recorded.At;
                passed.Add(after.Status);
                lead = after;
            }
        }
    }

    private static IEnumerable<(RecordedEvent Event, ActivityKind Kind, decimal Waited)> FirstReplies(bool anyKind)
    {
        foreach (var stream in History.Where(recorded => recorded.Data is LeadEvent).GroupBy(recorded => recorded.StreamId))
        {
            var captured = stream.First().At;
            var outward = stream.Where(recorded => recorded.Data is LeadActivityLogged { Direction: ActivityDirection.Out })
                .Select(recorded => (Event: recorded, Activity: (LeadActivityLogged)recorded.Data));
            foreach (var first in outward.GroupBy(one => anyKind ? 0 : (int)one.Activity.Kind).Select(group => group.First()))
            {
                yield return (first.Event, first.Activity.Kind, Math.Max(0, (first.Activity.At - captured).Ticks / 10_000_000m));
            }
        }
    }

    private sealed record Transition(RecordedEvent Event, LeadStatus Before, LeadStatus After, decimal Stayed,
        IReadOnlyList<LeadStatus> PassedBefore);
}

using System.Globalization;
using Crm.Application.Integrity;
using Crm.Application.Seeding;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Projections;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Crm.Application.Tests.Integrity;

/// <summary>The sums that reports read are those of the facts below them, day by day and over all days.</summary>
public sealed class Checking_totals : IAsyncLifetime
{
    private const int Everything = 50_000;
    private const string AllDays = "funnel: totals of all days";

    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private readonly TestDatabase database = new();
    private EventLog? log;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private EventLog Log => log ?? throw new InvalidOperationException("The log is made before each test.");

    public async ValueTask InitializeAsync()
    {
        await database.InitializeAsync();
        log = new EventLog(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        await LeadSeed.To(log, 40, seed: 5, Now, progress: null, Ct);
        using var rebuilder = new Rebuilder(database.App, log, NullLogger<Rebuilder>.Instance);
        await Task.WhenAll(ProjectionList.All.Select(projection => rebuilder.Rebuild(projection, progress: null, Ct)));
    }

    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task passes_sound_ones_also_those_that_grew_day_by_day()
    {
        Assert.Empty(await Found());
        await LeadSeed.To(Log, 10, seed: 6, Now, progress: null, Ct);
        var last = await Log.LastPosition(Ct);
        using var rebuilder = new Rebuilder(database.App, Log, NullLogger<Rebuilder>.Instance);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var progress = new ProjectionProgress(database.App);
        var running = new ProjectionRunner(
            database.App, Log, Log.ReadAfter, ProjectionList.All, rebuilder, progress, NullLogger<ProjectionRunner>.Instance)
            .Run(stop.Token);
        foreach (var projection in ProjectionList.All)
        {
            Assert.True(await progress.WaitFor(projection.Name, last, TimeSpan.FromSeconds(60), TimeProvider.System, Ct), projection.Name);
        }

        await stop.CancelAsync();
        await running;

        Assert.Empty(await Found());
    }

    [Theory]
    [InlineData("update crm_read.funnel_totals set count = count + 1 where measure = 'entered' and day = ", true)]
    [InlineData("update crm_read.funnel_totals set dim1 = dim1 || '!' where measure = 'entered' and day = ", true)]
    [InlineData("delete from crm_read.funnel_totals where measure = 'entered' and day = ", true)]
    [InlineData("insert into crm_read.funnel_totals select 'left', '2001-02-03', dim1, dim2, 'XTS', 0, 1, 0, 0 "
        + "from crm_read.funnel_totals where measure = 'entered' and day = ", false)]
    public async Task names_the_day_of_which_they_show_something_else_and_a_rebuild_mends_them(string corruption, bool isOfThatDay)
    {
        var day = await OneDay();
        await Corrupt($"{corruption}'{day}'");

        var found = await Found();

        Assert.Equal(isOfThatDay ? [AllDays, $"funnel: totals of {day}"] : [AllDays], found);
        Assert.Equal("funnel", Assert.Single((await Repair()).Items).What);
        Assert.Empty(await Found());
    }

    [Fact]
    public async Task names_the_sum_over_all_days_that_is_not_that_of_the_days()
    {
        await Corrupt("update crm_read.funnel_totals set amount = amount + 0.01 where measure = 'entered' and day = '-infinity'");

        Assert.Equal([AllDays], await Found());
        Assert.Equal("funnel", Assert.Single((await Repair()).Items).What);
        Assert.Empty(await Found());
    }

    [Fact]
    public async Task tells_what_is_equal_from_what_is_the_same_to_a_reader()
    {
        var day = await OneDay();
        await Corrupt($"update crm_read.funnel_totals set amount = amount + 0.000000 where measure = 'entered' and day = '{day}'");

        Assert.Equal([$"funnel: totals of {day}"], await Found());
    }

    /// <summary>Sums that agree with each other are seen through by the facts.</summary>
    [Fact]
    public async Task is_not_deceived_by_a_day_and_all_days_that_were_changed_alike()
    {
        var day = await OneDay();
        await Corrupt(
            "update crm_read.funnel_totals t set count = count + 1 where measure = 'entered' and day in ('-infinity', '" + day + "') "
            + "and (dim1, dim2, currency, bucket) = (select dim1, dim2, currency, bucket from crm_read.funnel_totals "
            + $"where measure = 'entered' and day = '{day}' order by 1, 2, 3, 4 limit 1)");

        Assert.Equal([$"funnel: totals of {day}"], await Found());
    }

    private async Task<IReadOnlyList<string>> Found()
    {
        var report = await new IntegrityRun(database.App, Log, ProjectionList.All)
            .Run(DateTimeOffset.UtcNow, seed: 1, progress: null, Ct, sample: Everything);
        return report.Items.Single(static item => item.Id == "read-models").First;
    }

    private async Task<RepairReport> Repair()
    {
        using var commands = new CommandRunner(Log);
        using var rebuilder = new Rebuilder(database.App, Log, NullLogger<Rebuilder>.Instance);
        return await new IntegrityRepair(database.App, Log, commands, ProjectionList.All, rebuilder)
            .Run(IntegrityCheck.ReadModels, DateTimeOffset.UtcNow, dryRun: false, Ct);
    }

    private async Task<string> OneDay()
    {
        await using var find = database.Superuser.CreateCommand(
            "select min(day) from crm_read.funnel_totals where measure = 'entered' and isfinite(day)");
        return ((DateOnly)(await find.ExecuteScalarAsync(Ct) ?? throw new InvalidOperationException("No day.")))
            .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
    }

    private async Task Corrupt(string sql)
    {
        await using var command = database.Superuser.CreateCommand(sql);
        Assert.True(await command.ExecuteNonQueryAsync(Ct) > 0);
    }
}

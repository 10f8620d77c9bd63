using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Application.Retention;
using Crm.Domain;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Testing;

namespace Crm.Application.Tests.Retention;

public sealed class Keeping_leads_for_as_long_as_the_rules_say : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 6, 15, 12, 0, 0, TimeSpan.Zero);
    private static readonly RetentionRules Rules = new(ArchiveAfterMonths: 12, EraseAfterMonths: 36);

    private readonly TestDatabase database = new();
    private EventLog log = null!; // made before each test, by InitializeAsync
    private CommandRunner commands = null!; // the same
    private RetentionRun run = null!; // the same

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.InitializeAsync();
        log = new EventLog(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        commands = new CommandRunner(log);
        run = new RetentionRun(log, commands);
    }

    public async ValueTask DisposeAsync()
    {
        commands.Dispose();
        await log.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task puts_quiet_leads_away_and_erases_those_that_were_quiet_for_long_when_they_had_been_put_away()
    {
        var fresh = await Captured(monthsAgo: 11);
        var quiet = await Captured(monthsAgo: 12);
        var quietAndAway = await Captured(monthsAgo: 35);
        var forgotten = await Captured(monthsAgo: 36);
        var silent = await Captured(monthsAgo: 40);
        await Do(quietAndAway, new ArchiveLead(null), monthsAgo: 20);
        await Do(forgotten, new ArchiveLead(null), monthsAgo: 1);

        var tried = await run.Run(Rules, dryRun: true, Now, progress: null, Ct);
        Assert.Equal((5, 2, 1), (tried.Leads, tried.Archived, tried.Erased));
        Assert.False((await Of(quiet)).IsArchived);

        var done = await run.Run(Rules, dryRun: false, Now, progress: null, Ct);
        Assert.Equal(tried with { DryRun = false }, done);
        Assert.False((await Of(fresh)).IsArchived);
        Assert.True((await Of(quiet)).IsArchived);
        Assert.False((await Of(quietAndAway)).IsErased);
        Assert.True((await Of(forgotten)).IsErased);
        Assert.True(await Of(silent) is { IsArchived: true, IsErased: false });

        // Putting it away was no activity: the next run erases it. Then nothing is left to do.
        Assert.Equal((0, 1), Counts(await run.Run(Rules, dryRun: false, Now, progress: null, Ct)));
        Assert.Equal((0, 0), Counts(await run.Run(Rules, dryRun: false, Now, progress: null, Ct)));
        var last = (await log.ReadStream(silent, Ct))[^1];
        Assert.Equal(new LeadErased("No activity for 36 months.", "retention"), last.Data);
        Assert.Equal("retention", last.Envelope.Actor);
        Assert.NotNull(last.Envelope.OperationId);
    }

    [Fact]
    public async Task leaves_customers_and_leads_that_somebody_has_worked_on_alone()
    {
        var customer = await Captured(monthsAgo: 60);
        await Do(customer, new LogActivity(Guid.NewGuid(), ActivityKind.Call, ActivityDirection.Out, Now.AddMonths(-60), Now), monthsAgo: 60);
        await Do(customer, new QualifyLead(null), monthsAgo: 60);
        await Do(customer, new ConvertLead(null, null), monthsAgo: 60);
        var worked = await Captured(monthsAgo: 60);
        await Do(worked, new AddNote(Guid.NewGuid(), "Still there."), monthsAgo: 2);
        var rescored = await Captured(monthsAgo: 60);
        await log.Append(
            new AppendCommand([new StreamAppend(rescored, "lead", 1, [new NewEvent(Guid.NewGuid(), new LeadScoreChanged(7, 1), Now.AddMonths(-1))])], Envelope.System),
            Ct);

        Assert.Equal((1, 0), Counts(await run.Run(Rules, dryRun: false, Now, progress: null, Ct)));
        Assert.True((await Of(rescored)).IsArchived);
    }

    [Fact]
    public async Task does_each_thing_once_and_leaves_alone_what_has_moved_on_meanwhile()
    {
        for (var lead = 0; lead < 30; lead++)
        {
            await Captured(monthsAgo: 60);
        }

        // Two runs at once: each looks at leads that the other changes under its hands.
        var reports = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(
            () => run.Run(Rules with { EraseAfterMonths = null }, dryRun: false, Now, progress: null, Ct), Ct)));

        Assert.Equal(30, reports.Sum(report => report.Archived));
        Assert.InRange(reports.Sum(report => report.MovedOn), 0, 30);
        await using var count = database.Superuser.CreateCommand("select count(*) from crm.mt_events where type = 'lead-archived'");
        Assert.Equal(30L, await count.ExecuteScalarAsync(Ct));
    }

    [Fact]
    public async Task asks_for_a_dry_run_of_the_same_rules_within_a_week()
    {
        Assert.False(await run.WasTriedOut(Rules, Now, Ct));
        await run.Run(Rules, dryRun: true, Now, progress: null, Ct);
        Assert.True(await run.WasTriedOut(Rules, Now.AddDays(7), Ct));
        Assert.False(await run.WasTriedOut(Rules, Now.AddDays(8), Ct));
        Assert.False(await run.WasTriedOut(Rules with { EraseAfterMonths = 37 }, Now, Ct));
        Assert.Null(await log.ReadBookmark(RetentionRun.Scope, RetentionRun.LastRun, Ct));
        await run.Run(Rules, dryRun: false, Now, progress: null, Ct);
        Assert.Equal(Now, RetentionRun.TimeOf(await log.ReadBookmark(RetentionRun.Scope, RetentionRun.LastRun, Ct) ?? ""));
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(null, 0)]
    [InlineData(12, 11)]
    public void knows_rules_that_cannot_be_meant(int? archive, int? erase) => Assert.NotNull(new RetentionRules(archive, erase).Fault);

    [Fact]
    public void is_off_unless_told()
    {
        Assert.False(new RetentionRules(null, null).IsOn);
        Assert.Null(new RetentionRules(null, null).Due(Lead.Initial with { Status = LeadStatus.New }, DateTimeOffset.MinValue, Now));
        Assert.Null(Rules.Fault);
    }

    private static (long, long) Counts(RetentionReport report) => (report.Archived, report.Erased);

    private async Task<Guid> Captured(int monthsAgo)
    {
        var id = Guid.NewGuid();
        var details = LeadDetails.Unknown with { LastName = "Activity", ExternalId = id.ToString() };
        var context = new CommandContext(Envelope.System, Now.AddMonths(-monthsAgo), Scope.System);
        Assert.IsType<CommandResult.Done>(await commands.Begin(LeadStream.Kind, id, new CaptureLead(details, null), context, Ct));
        return id;
    }

    private async Task Do(Guid lead, ICommand<Lead, LeadEvent> command, int monthsAgo)
    {
        var context = new CommandContext(Envelope.System, Now.AddMonths(-monthsAgo), Scope.System);
        Assert.IsType<CommandResult.Done>(await commands.Run(LeadStream.Kind, lead, command, context, Ct));
    }

    private async Task<Lead> Of(Guid lead) =>
        Lead.Aggregate.Fold((await log.ReadStream(lead, Ct)).Select(static recorded => (LeadEvent)recorded.Data));
}

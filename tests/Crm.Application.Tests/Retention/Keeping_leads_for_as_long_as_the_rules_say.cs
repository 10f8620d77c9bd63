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
        await Do(quietAndAway, new ArchiveLead(null), Now.AddMonths(-20));
        await Do(forgotten, new ArchiveLead(null), Now.AddDays(-30));

        var tried = await run.TryOut(Rules, Now, progress: null, Ct);
        Assert.Equal((5, 2, 1), (tried.Leads, tried.Archived, tried.Erased));
        Assert.Equal(
            [
                new DueLead(forgotten, RetentionStep.Erase, "No activity for 36 months.", Now.AddMonths(-36), Now.AddDays(-30)),
                new DueLead(quiet, RetentionStep.Archive, "No activity for 12 months.", Now.AddMonths(-12), null),
                new DueLead(silent, RetentionStep.Archive, "No activity for 12 months.", Now.AddMonths(-40), null),
            ],
            tried.Due.OrderByDescending(static lead => lead.What).ThenByDescending(static lead => lead.Since));
        Assert.False((await Of(quiet)).IsArchived);

        var done = await CarryOut(Now.AddHours(1));
        Assert.Equal(tried with { DryRun = false, Due = done.Due }, done);
        Assert.False((await Of(fresh)).IsArchived);
        Assert.True((await Of(quiet)).IsArchived);
        Assert.False((await Of(quietAndAway)).IsErased);
        Assert.True((await Of(forgotten)).IsErased);
        Assert.True(await Of(silent) is { IsArchived: true, IsErased: false });
        var last = (await log.ReadStream(forgotten, Ct))[^1];
        Assert.Equal(new LeadErased("No activity for 36 months.", "retention"), last.Data);
        Assert.Equal(("retention", Now.AddHours(1)), (last.Envelope.Actor, last.At));
        Assert.Equal((await run.Plan(Ct))?.Operation, last.Envelope.OperationId);
    }

    [Fact]
    public async Task does_what_the_dry_run_said_and_nothing_that_has_become_due_since()
    {
        var due = await Captured(monthsAgo: 12);
        var nearly = await Captured(Now.AddMonths(-12).AddDays(1));
        await run.TryOut(Rules, Now, progress: null, Ct);
        var later = await Captured(monthsAgo: 60); // an import brings it after the dry run

        Assert.Equal((1, 0), Counts(await CarryOut(Now.AddDays(5))));
        Assert.True((await Of(due)).IsArchived);
        Assert.False((await Of(nearly)).IsArchived);
        Assert.False((await Of(later)).IsArchived);

        // Repeated, it comes to the same, and says that it had been done.
        var again = await CarryOut(Now.AddDays(6));
        Assert.Equal((1, 0, 1), (again.Archived, again.Erased, again.Before));
        Assert.Equal((2, 0), Counts(await run.TryOut(Rules, Now.AddDays(6), progress: null, Ct)));
    }

    [Fact]
    public async Task erases_nobody_whose_lead_was_put_away_less_than_the_days_to_object_ago()
    {
        var silent = await Captured(monthsAgo: 40);
        await run.TryOut(Rules, Now, progress: null, Ct);
        Assert.Equal((1, 0), Counts(await CarryOut(Now)));
        Assert.Equal((0, 0), Counts(await run.TryOut(Rules, Now.AddDays(30).AddSeconds(-1), progress: null, Ct)));
        Assert.Equal((0, 1), Counts(await run.TryOut(Rules, Now.AddDays(30), progress: null, Ct)));
        Assert.Equal((0, 1), Counts(await CarryOut(Now.AddDays(31))));
        Assert.True((await Of(silent)).IsErased);
    }

    [Fact]
    public async Task leaves_alone_what_something_has_happened_to_since_the_dry_run()
    {
        var noted = await Captured(monthsAgo: 60);
        var old = await Captured(monthsAgo: 60);
        var putAway = await Captured(monthsAgo: 60);
        var rescored = await Captured(monthsAgo: 60);
        var broughtBack = await Captured(monthsAgo: 60);
        await Do(broughtBack, new ArchiveLead(null), Now.AddMonths(-6));
        Assert.Equal((4, 1), Counts(await run.TryOut(Rules, Now, progress: null, Ct)));

        await Do(noted, new AddNote(Guid.NewGuid(), "Called back."), Now);
        await Do(old, new AddNote(Guid.NewGuid(), "Written down late."), Now.AddMonths(-50));
        await Do(putAway, new ArchiveLead("By hand."), Now);
        await Do(broughtBack, new UnarchiveLead("They rang."), Now);
        await Rescored(rescored, Now);

        var done = await CarryOut(Now.AddHours(1));
        Assert.Equal((1, 0, 0, 4), (done.Archived, done.Erased, done.Before, done.MovedOn));
        Assert.True((await Of(rescored)).IsArchived);
        Assert.False((await Of(old)).IsArchived);
        Assert.False((await Of(broughtBack)).IsErased);
    }

    [Fact]
    public async Task comes_to_the_same_when_it_is_interrupted_and_repeated()
    {
        for (var lead = 0; lead < 60; lead++)
        {
            var away = await Captured(monthsAgo: 60);
            if (lead % 3 == 0)
            {
                await Do(away, new ArchiveLead(null), Now.AddMonths(-6));
            }
        }

        var tried = await run.TryOut(Rules, Now, progress: null, Ct);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var interrupted = Task.Run(() => CarryOut(Now.AddHours(1), stop.Token), Ct);
        await Eventually.IsTrue(async () => await Done() > 0, Ct);
        await stop.CancelAsync();
        await Record.ExceptionAsync(() => interrupted);
        var before = await Done();

        var done = await CarryOut(Now.AddDays(2));
        Assert.Equal((40, 20, before), (done.Archived, done.Erased, done.Before));
        Assert.Equal((tried.Archived, tried.Erased, 60), (done.Archived, done.Erased, await Done()));
        Assert.Equal((0, 0), Counts(await run.TryOut(Rules, Now.AddDays(2), progress: null, Ct)));
    }

    [Fact]
    public async Task leaves_customers_and_leads_that_somebody_has_worked_on_alone()
    {
        var customer = await Captured(monthsAgo: 60);
        await Do(customer, new LogActivity(Guid.NewGuid(), ActivityKind.Call, ActivityDirection.Out, Now.AddMonths(-60), Now), Now.AddMonths(-60));
        await Do(customer, new QualifyLead(null), Now.AddMonths(-60));
        await Do(customer, new ConvertLead(null, null), Now.AddMonths(-60));
        var worked = await Captured(monthsAgo: 60);
        await Do(worked, new AddNote(Guid.NewGuid(), "Still there."), Now.AddMonths(-2));
        var rescored = await Captured(monthsAgo: 60);
        await Rescored(rescored, Now.AddMonths(-1));

        var tried = await run.TryOut(Rules, Now, progress: null, Ct);
        Assert.Equal([rescored], tried.Due.Select(static lead => lead.Id));
    }

    [Fact]
    public async Task does_each_thing_once_also_where_two_run_at_once()
    {
        for (var lead = 0; lead < 30; lead++)
        {
            await Captured(monthsAgo: 60);
        }

        await run.TryOut(Rules, Now, progress: null, Ct);
        var reports = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => Task.Run(() => CarryOut(Now), Ct)));

        Assert.All(reports, static report => Assert.Equal((30, 0, 0), (report.Archived, report.Erased, report.MovedOn)));
        Assert.Equal(30, reports.Sum(static report => report.Archived - report.Before));
        Assert.Equal(30, await Done());
    }

    [Fact]
    public async Task asks_for_a_dry_run_of_the_same_rules_on_the_same_log_within_a_week()
    {
        Assert.Null(await run.Plan(Ct));
        await Captured(monthsAgo: 60);
        await run.TryOut(Rules, Now, progress: null, Ct);
        var plan = await Kept();
        Assert.Equal((Rules, Now, 1, 1, 1, 0), (plan.Rules, plan.At, plan.Position, plan.Leads, plan.Archive, plan.Erase));
        Assert.Null(plan.Fault(Rules, Now.AddDays(7), last: 1));
        Assert.NotNull(plan.Fault(Rules, Now.AddDays(8), last: 1));
        Assert.NotNull(plan.Fault(Rules, Now.AddSeconds(-1), last: 1));
        Assert.NotNull(plan.Fault(Rules with { EraseAfterMonths = 37 }, Now, last: 1));
        Assert.NotNull(plan.Fault(Rules with { KeepPutAwayForDays = 31 }, Now, last: 1));
        Assert.NotNull(plan.Fault(Rules, Now, last: 0));
        Assert.Null(await log.ReadBookmark(RetentionRun.Scope, RetentionRun.LastRun, Ct));
        await CarryOut(Now.AddHours(1));
        Assert.Equal(Now.AddHours(1), RetentionRun.TimeOf(await log.ReadBookmark(RetentionRun.Scope, RetentionRun.LastRun, Ct) ?? ""));
    }

    private static (long, long) Counts(RetentionReport report) => (report.Archived, report.Erased);

    private async Task<RetentionPlan> Kept() => await run.Plan(Ct) ?? throw new InvalidOperationException("There was no dry run.");

    private async Task<RetentionReport> CarryOut(DateTimeOffset now, CancellationToken? ct = null) =>
        await run.CarryOut(await Kept(), now, progress: null, ct ?? Ct);

    private async Task<long> Done()
    {
        await using var count = database.Superuser.CreateCommand(
            "select count(*) from crm.mt_events where type in ('lead-archived', 'lead-erased') and headers ->> 'actor' = 'retention'");
        return (long)(await count.ExecuteScalarAsync(Ct) ?? 0L);
    }

    private Task<Guid> Captured(int monthsAgo) => Captured(Now.AddMonths(-monthsAgo));

    private async Task<Guid> Captured(DateTimeOffset at)
    {
        var id = Guid.NewGuid();
        var details = LeadDetails.Unknown with { LastName = "Activity", ExternalId = id.ToString() };
        var context = new CommandContext(Envelope.System, at, Scope.System);
        Assert.IsType<CommandResult.Done>(await commands.Begin(LeadStream.Kind, id, new CaptureLead(details, null), context, Ct));
        return id;
    }

    private async Task Do(Guid lead, ICommand<Lead, LeadEvent> command, DateTimeOffset at)
    {
        var context = new CommandContext(Envelope.System, at, Scope.System);
        Assert.IsType<CommandResult.Done>(await commands.Run(LeadStream.Kind, lead, command, context, Ct));
    }

    private async Task Rescored(Guid lead, DateTimeOffset at)
    {
        var happened = new NewEvent(Guid.NewGuid(), new LeadScoreChanged(7, 1), at);
        await log.Append(new AppendCommand([new StreamAppend(lead, "lead", 1, [happened])], Envelope.System), Ct);
    }

    private async Task<Lead> Of(Guid lead) =>
        Lead.Aggregate.Fold((await log.ReadStream(lead, Ct)).Select(static recorded => (LeadEvent)recorded.Data));
}

using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Testing;

namespace Crm.EventStore.Tests.Projections;

public sealed class Rewriting_a_stream : IAsyncLifetime
{
    private static readonly Guid First = Accounts.Number(1);
    private static readonly Guid Second = Accounts.Number(2);
    private const string Gone = "[gone], [gone], erased; [gone]";

    private readonly TestDatabase database = new();
    private EventLog log = null!; // made before each test, by InitializeAsync
    private Accounts accounts = null!; // the same

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await database.InitializeAsync();
        log = new EventLog(database.App, Toys.Catalog, TestKeys.Masters, new LogPosition());
        accounts = new Accounts(database, log);
    }

    public async ValueTask DisposeAsync()
    {
        await log.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task takes_its_rows_and_folds_it_anew_and_no_other()
    {
        await using var host = new RunningProjections(database, log, [new Diary(), new Tally()]);
        await host.Reached("diary", await accounts.Note(First, "secret", "more secret"));
        await host.Reached("diary", await accounts.Note(Second, "another's secret"));
        var last = await accounts.Erase(First);
        await host.Reached("diary", last);
        await host.Reached("tally", last);

        Assert.Equal(Gone, await accounts.Diary(First));
        Assert.Equal("another's secret; another's secret", await accounts.Diary(Second));
        Assert.Equal(2L, (await accounts.Balances())[0].Balance);
        await accounts.EqualsARebuild(host, new Diary());
        await accounts.EqualsARebuild(host, new Tally());

        // Once more, and beside other events in one batch.
        await accounts.Note(Second, "more");
        await host.Reached("diary", await accounts.Erase(First));
        Assert.Equal("[gone], [gone], erased, erased; [gone]", await accounts.Diary(First));
        await accounts.EqualsARebuild(host, new Diary());
    }

    [Fact]
    public async Task is_done_after_a_restart_by_a_host_that_had_not_come_so_far()
    {
        await using (var host = new RunningProjections(database, log, [new Diary()]))
        {
            await host.Reached("diary", await accounts.Note(First, "secret"));
        }

        // What came while no host was there reads as erased already, and stands on a row that does not.
        await accounts.Note(First, "more secret");
        var last = await accounts.Erase(First);
        Assert.Equal(2L, await accounts.TablesHolding("secret"));
        await using var again = new RunningProjections(database, log, [new Diary()]);
        await again.Reached("diary", last);
        Assert.Equal(Gone, await accounts.Diary(First));
        Assert.Equal(0L, await accounts.TablesHolding("secret"));
        await accounts.EqualsARebuild(again, new Diary());
    }

    [Fact]
    public async Task mends_a_stream_that_was_parked_for_what_is_gone()
    {
        var diary = new Diary(poison: recorded => recorded.Data is Moved { Note: "poison" });
        await using var host = new RunningProjections(database, log, [diary]);
        await host.Reached("diary", await accounts.Note(First, "secret", "poison"));
        Assert.Equal("secret; secret", await accounts.Diary(First));
        Assert.Equal(1L, await accounts.Scalar<long>("select count(*) from crm.parked"));

        await host.Reached("diary", await accounts.Erase(First));
        Assert.Equal(Gone, await accounts.Diary(First));
        Assert.Equal(0L, await accounts.Scalar<long>("select count(*) from crm.parked"));

        // It goes on as any other.
        await host.Reached("diary", await accounts.Note(First, "later"));
        Assert.Equal("[gone], [gone], erased, later; later", await accounts.Diary(First));
        await accounts.EqualsARebuild(host, diary);
    }

    [Fact]
    public async Task leaves_a_stream_parked_that_still_cannot_be_applied_without_what_is_gone()
    {
        var poisonous = true;
        var diary = new Diary(poison: recorded => Volatile.Read(ref poisonous) && recorded.Version == 2);
        await using var host = new RunningProjections(database, log, [diary]);
        await host.Reached("diary", await accounts.Note(First, "secret", "more secret"));
        await host.Reached("diary", await accounts.Erase(First));

        Assert.Equal("[gone]; [gone]", await accounts.Diary(First));
        var parkedStreams = new ParkedStreams(database.App, log, [diary]);
        var parked = Assert.Single(await parkedStreams.List(10, Ct));
        Assert.Equal((First, 2L), (parked.StreamId, parked.Position));
        Assert.DoesNotContain("this", parked.Error, StringComparison.Ordinal);

        // The retry meets the erasure in its queue and begins anew.
        Volatile.Write(ref poisonous, value: false);
        Assert.Null((await parkedStreams.Retry(parked.Id, Ct))?.Still);
        Assert.Equal(Gone, await accounts.Diary(First));
        await accounts.EqualsARebuild(host, diary);
    }

    [Fact]
    public async Task takes_its_rows_even_where_PostgreSQL_refuses_the_new_ones()
    {
        await using (var host = new RunningProjections(database, log, [new Diary()]))
        {
            await host.Reached("diary", await accounts.Note(First, "secret"));
        }

        var table = await accounts.Scalar<string>("select 'crm_read.diary_lines_b' || build from crm.projections");
        await accounts.Execute($"alter table {table} add constraint modest check (note <> 'erased')");
        await accounts.Note(Second, "fine");
        var last = await accounts.Erase(First);
        await using var again = new RunningProjections(database, log, [new Diary()]);
        await again.Reached("diary", last);
        Assert.Equal("", await accounts.Diary(First));
        Assert.Equal("fine; fine", await accounts.Diary(Second));
        Assert.Equal("23514: new row for relation … (constraint modest)", await accounts.Scalar<string>("select error from crm.parked"));

        await accounts.Execute($"alter table {table} drop constraint modest");
        var parkedStreams = new ParkedStreams(database.App, log, [new Diary()]);
        await parkedStreams.Retry(Assert.Single(await parkedStreams.List(10, Ct)).Id, Ct);
        Assert.Equal("[gone], erased; [gone]", await accounts.Diary(First));
        await accounts.EqualsARebuild(again, new Diary());
    }

    [Fact]
    public async Task reaches_a_rebuild_that_has_read_the_stream_before()
    {
        await using var host = new RunningProjections(database, log, [new Diary()]);
        await host.Reached("diary", await accounts.Note(First, "secret", "more secret"));
        using var filled = new Halt("indexing");
        var rebuilding = Task.Run(() => host.Rebuilder.Rebuild(new Diary(), filled, Ct), Ct);
        await filled.Reached;
        await host.Reached("diary", await accounts.Erase(First));
        filled.Release();
        var report = await rebuilding;

        Assert.NotNull(report);
        Assert.All(report.Tables, table => Assert.True(table.EqualsLive, table.Name));
        Assert.Equal(Gone, await accounts.Diary(First));
        Assert.Equal(0L, await accounts.TablesHolding("secret"));
    }

    [Fact]
    public async Task reaches_a_rebuild_that_shares_the_reading_with_others_that_began_before()
    {
        await accounts.Note(First, "secret");
        await accounts.Move(Second, [.. Enumerable.Repeat(1, 5_500)]);
        using var rebuilder = new Rebuilder(database.App, log, Microsoft.Extensions.Logging.Abstractions.NullLogger<Rebuilder>.Instance);
        using var waiting = new Halt("reading");
        using var filled = new Halt("indexing");
        var one = Task.Run(() => rebuilder.Rebuild(new Tally(name: "one"), waiting, Ct), Ct);
        await waiting.Reached;
        var other = Task.Run(() => rebuilder.Rebuild(new Tally(name: "other"), filled, Ct), Ct);
        await filled.Reached;

        // Two read together, so what they have read is kept for a third.
        await accounts.Erase(First);
        await rebuilder.Rebuild(new Diary(), progress: null, Ct);
        Assert.Equal("[gone], erased; [gone]", await accounts.Diary(First));
        waiting.Release();
        filled.Release();
        await Task.WhenAll(one, other);
    }

    [Fact]
    public async Task reaches_the_build_before_the_live_one()
    {
        await using var host = new RunningProjections(database, log, [new Diary()]);
        await host.Reached("diary", await accounts.Note(First, "secret", "more secret"));
        await accounts.EqualsARebuild(host, new Diary());
        Assert.Equal(4L, await accounts.TablesHolding("secret"));

        await host.Reached("diary", await accounts.Erase(First));
        Assert.Equal(0L, await accounts.TablesHolding("secret"));
        Assert.Equal(2L, await accounts.Scalar<long>("select count(*) from pg_tables where tablename ~ '^diary_lines_b'"));
    }

    [Fact]
    public async Task reaches_a_live_build_that_stood_still_when_a_rebuild_took_its_place()
    {
        await using (var host = new RunningProjections(database, log, [new Diary()]))
        {
            await host.Reached("diary", await accounts.Note(First, "secret", "more secret"));
        }

        await accounts.Erase(First);
        using var rebuilder = new Rebuilder(database.App, log, Microsoft.Extensions.Logging.Abstractions.NullLogger<Rebuilder>.Instance);
        Assert.NotNull(await rebuilder.Rebuild(new Diary(), progress: null, Ct));
        Assert.Equal(Gone, await accounts.Diary(First));
        Assert.Equal(0L, await accounts.TablesHolding("secret"));
    }

    [Fact]
    public async Task reaches_what_a_killed_rebuild_left_behind()
    {
        await using (var host = new RunningProjections(database, log, [new Diary()]))
        {
            await host.Reached("diary", await accounts.Note(First, "secret"));
        }

        async Task LeaveBehind(int build)
        {
            await using var make = database.App.CreateCommand($"create table crm_read.diary_lines_b{build} as select * from crm_read.diary_lines");
            await make.ExecuteNonQueryAsync(Ct);
        }

        await LeaveBehind(998);
        await using var again = new RunningProjections(database, log, [new Diary()]);
        await Eventually.IsTrue(async () => await accounts.Scalar<long>("select count(*) from pg_tables where tablename = 'diary_lines_b998'") == 0, Ct);
        await LeaveBehind(999);
        await again.Reached("diary", await accounts.Erase(First));
        Assert.Equal(0L, await accounts.TablesHolding("secret"));
    }

    [Fact]
    public async Task is_told_from_one_that_is_still_to_be_done()
    {
        var check = new StreamCheck(database.App, log, [new Diary()]);
        long last;
        await using (var host = new RunningProjections(database, log, [new Diary()]))
        {
            last = await accounts.Note(First, "secret", "more secret");
            await host.Reached("diary", last);
            await accounts.EqualsARebuild(host, new Diary());
            Assert.True(Assert.Single(await check.Of(First, Ct)).EqualsLog);
        }

        var erased = await accounts.Erase(First);
        var before = Assert.Single(await check.Of(First, Ct));
        Assert.Equal((last, false, 3L), (before.Position, before.EqualsLog, before.RowsElsewhere));
        Assert.Equal([("diary_owners", 1L, 2L), ("diary_lines", 2L, 4L)], before.Tables.Select(table => (table.Table, table.Rows, table.Different)));

        await using var again = new RunningProjections(database, log, [new Diary()]);
        await again.Reached("diary", erased);
        var after = Assert.Single(await check.Of(First, Ct));
        Assert.Equal((erased, true, 0L), (after.Position, after.EqualsLog, after.RowsElsewhere));
        Assert.Equal([1L, 3L], after.Tables.Select(table => table.Rows));

        await accounts.Execute("update crm_read.diary_lines set note = 'secret' where position = 1");
        Assert.False(Assert.Single(await check.Of(First, Ct)).EqualsLog);
    }

    [Fact]
    public async Task reaches_the_newest_events_that_a_host_remembers()
    {
        var tail = new LogTail(log);
        await accounts.Note(First, "secret");
        Assert.Equal("secret", Assert.IsType<Moved>(Assert.Single(await tail.ReadAfter(0, 10, Ct)).Data).Note);

        // Nobody has followed the log so far as the erasure yet.
        await accounts.Erase(First);
        Assert.Equal("[gone]", Assert.IsType<Moved>((await tail.ReadSettledAfter(0, 10, Ct))[0].Data).Note);
        Assert.Equal("[gone]", Assert.IsType<Moved>((await tail.ReadAfter(0, 10, Ct))[0].Data).Note);
        Assert.IsType<Erased>(Assert.Single(await tail.ReadSettledAfter(1, 10, Ct)).Data);
    }

    /// <summary>Holds a rebuild where it reaches a phase, until it is released.</summary>
    private sealed class Halt(string phase) : IProgress<RebuildProgress>, IDisposable
    {
        private readonly TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEventSlim released = new();

        public Task Reached => reached.Task.WaitAsync(TimeSpan.FromSeconds(30), Ct);

        public void Report(RebuildProgress value)
        {
            if (value.Phase == phase)
            {
                reached.TrySetResult();
                released.Wait(TimeSpan.FromSeconds(30), Ct);
            }
        }

        public void Release() => released.Set();

        public void Dispose() => released.Dispose();
    }
}

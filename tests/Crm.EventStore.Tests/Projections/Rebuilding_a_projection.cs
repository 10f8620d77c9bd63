using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Crm.EventStore.Tests.Projections;

public sealed class Rebuilding_a_projection : IAsyncLifetime
{
    private static readonly Guid First = Accounts.Number(1);

    private readonly TestDatabase database = new();
    private EventLog log = null!; // made before each test, by InitializeAsync
    private Accounts accounts = null!; // the same

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
    public async Task goes_on_beside_writers_and_readers_and_equals_the_live_one()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var host = new RunningProjections(database, log, [new Tally()]);
        for (var account = 1; account <= 50; account++)
        {
            await accounts.Move(Accounts.Number(account), account, 1, 2);
        }

        await Eventually.IsTrue(async () => await accounts.Scalar<long>("select count(*) from pg_views where viewname = 'tally_accounts'") == 1, ct);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var reads = 0;
        var reading = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                Assert.True((await accounts.Balances()).Count >= 0);
                Interlocked.Increment(ref reads);
            }
        }, ct);
        long last = 0;
        var writing = Task.Run(async () =>
        {
            for (var round = 0; !over.IsCancellationRequested && round < 2000; round++)
            {
                last = await accounts.Move(Accounts.Number(1 + (round % 50)), 1);
            }
        }, ct);
        var builds = new List<long>();
        for (var rebuild = 0; rebuild < 3; rebuild++)
        {
            var report = await host.Rebuilder.Rebuild(new Tally(), progress: null, ct);
            Assert.NotNull(report);
            builds.Add(report.Build);
        }

        await over.CancelAsync();
        await writing;
        await reading;
        Assert.True(reads > 0);
        Assert.Equal(3, builds.Distinct().Count());
        await host.Reached("tally", last);
        await accounts.EqualsARebuild(host, new Tally());
        Assert.Equal(2L, await accounts.Scalar<long>("select count(*) from pg_tables where tablename ~ '^tally_accounts_b'"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(40)]
    [InlineData(7)]
    public async Task goes_through_the_log_in_pages_that_end_in_the_middle_of_streams(int pageSize)
    {
        var ct = TestContext.Current.CancellationToken;
        var poison = new Tally(poison: static recorded => recorded.Data is Moved { Amount: 23 });
        await using var host = new RunningProjections(database, log, [poison]);
        long last = 0;
        for (var round = 1; round <= 4; round++)
        {
            for (var account = 1; account <= 10; account++)
            {
                last = await accounts.Move(Accounts.Number(account), (10 * round) + account);
            }
        }

        await host.Reached("tally", last);
        using var rebuilder = new Rebuilder(database.App, log, NullLogger<Rebuilder>.Instance, pageSize: pageSize);
        var report = await rebuilder.Rebuild(poison, progress: null, ct);

        Assert.NotNull(report);
        Assert.All(report.Tables, table => Assert.True(table.EqualsLive, table.Name));
        Assert.Equal([10L, 37L], report.Tables.Take(2).Select(table => table.Rows));
        Assert.Equal(Accounts.Number(3), Assert.Single(report.Parked).StreamId);
    }

    [Fact]
    public async Task shares_its_pages_with_others_and_comes_to_the_same()
    {
        var ct = TestContext.Current.CancellationToken;
        Projection[] three = [new Tally(name: "one"), new Tally(name: "two"), new Tally(name: "three")];
        await using var host = new RunningProjections(database, log, three);
        long last = 0;
        for (var account = 1; account <= 100; account++)
        {
            last = await accounts.Move(Accounts.Number(account), account, 1, 2);
        }

        foreach (var projection in three)
        {
            await host.Reached(projection.Name, last);
        }

        using var rebuilder = new Rebuilder(database.App, log, NullLogger<Rebuilder>.Instance, pageSize: 2);
        var reports = await Task.WhenAll(three.Select(projection => rebuilder.Rebuild(projection, progress: null, ct)));

        Assert.All(reports, static report => Assert.All(report?.Tables ?? [], static table => Assert.True(table.EqualsLive, table.Name)));
        Assert.All(reports, static report => Assert.Equal([100L, 300L], report?.Tables.Take(2).Select(static table => table.Rows)));
    }

    [Fact]
    public async Task stops_at_a_hole_in_the_log_and_names_it()
    {
        var ct = TestContext.Current.CancellationToken;
        for (var account = 1; account <= 5; account++)
        {
            await accounts.Move(Accounts.Number(account), 1, 2);
        }

        await using (var lose = database.Superuser.CreateCommand("delete from crm.mt_events where seq_id in (4, 7)"))
        {
            await lose.ExecuteNonQueryAsync(ct);
        }

        using var rebuilder = new Rebuilder(database.App, log, NullLogger<Rebuilder>.Instance);

        var corrupt = await Assert.ThrowsAsync<LogCorruptException>(() => rebuilder.Rebuild(new Tally(), progress: null, ct));

        Assert.Contains("the first that is missing is 4", corrupt.Message, StringComparison.Ordinal);
        Assert.Equal(0L, await accounts.Scalar<long>("select count(*) from pg_tables where tablename ~ '^tally_accounts_b'"));
    }

    [Fact]
    public async Task happens_by_itself_when_the_revision_has_changed()
    {
        await using (var host = new RunningProjections(database, log, [new Tally()]))
        {
            await host.Reached("tally", await accounts.Move(First, 1, 2));
        }

        await using var newer = new RunningProjections(database, log, [new Tally(revision: 2)]);
        await Eventually.IsTrue(async () => await accounts.Scalar<int>("select revision from crm.projections") == 2, TestContext.Current.CancellationToken);
        var last = await accounts.Move(First, 3);
        await newer.Reached("tally", last);
        Assert.Equal([(First, 6L)], await accounts.Balances());
    }

    [Fact]
    public async Task parks_what_it_cannot_apply_and_clears_what_it_can()
    {
        var poisonous = true;
        var tally = new Tally(poison: recorded => Volatile.Read(ref poisonous) && recorded.Data is Moved { Amount: 666 });
        await using var host = new RunningProjections(database, log, [tally]);
        await host.Reached("tally", await accounts.Move(First, 1, 666, 2));
        Assert.Equal(1L, await accounts.Scalar<long>("select count(*) from crm.parked"));

        await host.Rebuilder.Rebuild(tally, progress: null, TestContext.Current.CancellationToken);
        Assert.Equal(2L, await accounts.Scalar<long>("select position from crm.parked"));

        Volatile.Write(ref poisonous, value: false);
        await host.Rebuilder.Rebuild(tally, progress: null, TestContext.Current.CancellationToken);
        Assert.Equal(0L, await accounts.Scalar<long>("select count(*) from crm.parked"));
        Assert.Equal([(First, 669L)], await accounts.Balances());
    }

    [Fact]
    public async Task leaves_the_live_one_alone_when_it_is_cancelled()
    {
        await using var host = new RunningProjections(database, log, [new Tally()]);
        var last = await accounts.Move(First, 1, 2);
        await host.Reached("tally", last);
        using var cancel = new CancellationTokenSource();
        var cancelling = new Cancelling(cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => host.Rebuilder.Rebuild(new Tally(), cancelling, cancel.Token));

        Assert.Equal([(First, 3L)], await accounts.Balances());
        Assert.Equal(1L, await accounts.Scalar<long>("select count(*) from pg_tables where tablename ~ '^tally_accounts_b'"));
        await host.Reached("tally", await accounts.Move(First, 3));
    }

    [Fact]
    public async Task makes_tables_that_somebody_dropped_anew()
    {
        var ct = TestContext.Current.CancellationToken;
        await accounts.Move(First, 5, 7);
        using var rebuilder = new Rebuilder(database.App, log, NullLogger<Rebuilder>.Instance);
        var before = await rebuilder.Rebuild(new Tally(), progress: null, ct);
        Assert.NotNull(before);
        await using (var drop = database.App.CreateCommand($"drop table crm_read.tally_accounts_b{before.Build} cascade"))
        {
            await drop.ExecuteNonQueryAsync(ct);
        }

        var report = await rebuilder.Rebuild(new Tally(), progress: null, ct);

        Assert.NotNull(report);
        Assert.Equal(
            [.. before.Tables.Select(static table => table.Rows)],
            [.. report.Tables.Select(static table => table.Rows)]);
        Assert.Null(Assert.Single(report.Tables, static table => table.Name == "tally_accounts").EqualsLive);
        Assert.Single(await accounts.Balances());
    }

    [Fact]
    public async Task finds_out_that_the_live_one_was_altered()
    {
        await using var host = new RunningProjections(database, log, [new Tally()]);
        await host.Reached("tally", await accounts.Move(First, 1, 2));
        var table = await accounts.Scalar<string>("select 'crm_read.tally_accounts_b' || build from crm.projections");
        await accounts.Execute($"update {table} set balance = 1000000");

        var report = await host.Rebuilder.Rebuild(new Tally(), progress: null, TestContext.Current.CancellationToken);
        Assert.Equal(
            [("tally_accounts", false), ("tally_movements", true), ("tally_days", true)],
            report?.Tables.Select(each => (each.Name, each.EqualsLive ?? true)));
        Assert.Equal([(First, 3L)], await accounts.Balances());
    }

    private sealed class Cancelling(CancellationTokenSource cancel) : IProgress<RebuildProgress>
    {
        public void Report(RebuildProgress value)
        {
            if (value.Phase == "indexing")
            {
                cancel.Cancel();
            }
        }
    }
}

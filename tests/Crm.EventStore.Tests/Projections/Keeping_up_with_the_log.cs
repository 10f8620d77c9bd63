using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Testing;

namespace Crm.EventStore.Tests.Projections;

public sealed class Keeping_up_with_the_log : IAsyncLifetime
{
    private static readonly Guid First = Accounts.Number(1);
    private static readonly Guid Second = Accounts.Number(2);
    private static readonly Guid Third = Accounts.Number(3);

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
    public async Task folds_each_event_once_into_states_entries_and_totals()
    {
        await using var host = new RunningProjections(database, log, [new Tally()]);
        await accounts.Move(First, 5, 7);
        await accounts.View(First);
        await accounts.Move(Second, 100);
        await accounts.Close(Second);
        var last = await accounts.Move(First, -2);
        await host.Reached("tally", last);

        Assert.Equal([(First, 10L)], await accounts.Balances());
        Assert.Equal(4L, await accounts.Scalar<long>("select count(*) from crm_read.tally_movements"));
        Assert.Equal(110m, await accounts.Scalar<decimal>("select sum(amount) from crm_read.tally_days where day = '-infinity'"));
        Assert.Equal(110m, await accounts.Scalar<decimal>("select sum(amount) from crm_read.tally_days where day > '-infinity'"));
        await accounts.EqualsARebuild(host, new Tally());
    }

    [Fact]
    public async Task goes_on_after_a_restart_from_where_it_was()
    {
        long last;
        await using (var host = new RunningProjections(database, log, [new Tally()]))
        {
            last = await accounts.Move(First, 1, 2, 3);
            await host.Reached("tally", last);
        }

        last = await accounts.Move(First, 4);
        await using var again = new RunningProjections(database, log, [new Tally()]);
        await again.Reached("tally", last);
        Assert.Equal([(First, 10L)], await accounts.Balances());
        await accounts.EqualsARebuild(again, new Tally());
    }

    [Fact]
    public async Task parks_the_stream_of_a_poison_event_and_no_other_until_a_retry_replays_it_in_order()
    {
        var poisonous = true;
        var tally = new Tally(poison: recorded => Volatile.Read(ref poisonous) && recorded.Data is Moved { Amount: 666 });
        await using var host = new RunningProjections(database, log, [tally]);
        await accounts.Move(First, 1);
        await accounts.Move(First, 666);
        await accounts.Move(First, 2, 3);
        var last = await accounts.Move(Second, 20);
        await host.Reached("tally", last);

        Assert.Equal([(First, 1L), (Second, 20L)], await accounts.Balances());
        var parkedStreams = new ParkedStreams(database.App, log, [tally]);
        var parked = Assert.Single(await parkedStreams.List(10, TestContext.Current.CancellationToken));
        Assert.Equal((First, 2L, 3L), (parked.StreamId, parked.Position, parked.Queued));
        Assert.Contains("poison", parked.Error, StringComparison.Ordinal);

        // Still poisonous: a retry leaves it parked, and nothing is applied twice.
        var failed = await parkedStreams.Retry(parked.Id, TestContext.Current.CancellationToken);
        Assert.Equal((0, 2L), (failed?.Applied, failed?.Still?.Position));
        Assert.Equal(2, Assert.Single(await parkedStreams.List(10, TestContext.Current.CancellationToken)).Attempts);

        Volatile.Write(ref poisonous, value: false);
        var mended = await parkedStreams.Retry(parked.Id, TestContext.Current.CancellationToken);
        Assert.Equal((3, null), (mended?.Applied, mended?.Still));
        Assert.Empty(await parkedStreams.List(10, TestContext.Current.CancellationToken));

        last = await accounts.Move(First, 4);
        await host.Reached("tally", last);
        Assert.Equal([(First, 676L), (Second, 20L)], await accounts.Balances());
        await accounts.EqualsARebuild(host, tally);
    }

    [Fact]
    public async Task parks_the_stream_of_an_event_that_nobody_can_read()
    {
        await accounts.Move(First, 1);
        await accounts.Move(Second, 2);
        await accounts.Execute("update crm.mt_events set type = 'from-a-newer-program' where seq_id = 2");
        var last = await accounts.Move(Third, 3);
        await using var host = new RunningProjections(database, log, [new Tally()]);
        await host.Reached("tally", last);

        Assert.Equal([(First, 1L), (Third, 3L)], await accounts.Balances());
        var parkedStreams = new ParkedStreams(database.App, log, [new Tally()]);
        var parked = Assert.Single(await parkedStreams.List(10, TestContext.Current.CancellationToken));
        Assert.Contains("from-a-newer-program", parked.Error, StringComparison.Ordinal);
        Assert.Equal(2L, (await parkedStreams.Retry(parked.Id, TestContext.Current.CancellationToken))?.Still?.Position);

        await accounts.Execute("update crm.mt_events set type = 'moved' where seq_id = 2");
        Assert.Equal(1, (await parkedStreams.Retry(parked.Id, TestContext.Current.CancellationToken))?.Applied);
        Assert.Equal([(First, 1L), (Second, 2L), (Third, 3L)], await accounts.Balances());
    }

    [Fact]
    public async Task parks_only_the_stream_whose_row_PostgreSQL_refuses()
    {
        await using (var host = new RunningProjections(database, log, [new Tally()]))
        {
            await host.Reached("tally", 0);
            await Eventually.IsTrue(async () => await accounts.Scalar<long>("select count(*) from crm.projections") == 1, TestContext.Current.CancellationToken);
        }

        var table = await accounts.Scalar<string>("select 'crm_read.tally_accounts_b' || build from crm.projections");
        await accounts.Execute($"alter table {table} add constraint modest check (balance < 1000)");
        await accounts.Move(First, 1);
        await accounts.Move(Second, 5000);
        await accounts.Move(Second, 1);
        var last = await accounts.Move(First, 2);
        await using var again = new RunningProjections(database, log, [new Tally()]);
        await again.Reached("tally", last);
        Assert.Equal([(First, 3L)], await accounts.Balances());
        Assert.Equal(2L, await accounts.Scalar<long>("select position from crm.parked"));
    }

    [Fact]
    public async Task goes_on_when_its_connections_are_cut_in_the_middle()
    {
        await using var host = new RunningProjections(database, log, [new Tally()]);
        long last = 0;
        for (var round = 0; round < 5; round++)
        {
            for (var account = 1; account <= 20; account++)
            {
                last = await accounts.Move(Accounts.Number(account), 1, 1);
            }

            await accounts.Execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = 'crm_app' and query not like '%append%'");
        }

        await host.Reached("tally", last);
        Assert.All(await accounts.Balances(), account => Assert.Equal(10L, account.Balance));
        await accounts.EqualsARebuild(host, new Tally());
    }

    [Fact]
    public async Task takes_over_from_a_host_that_was_killed_within_ten_seconds()
    {
        await using (var host = new RunningProjections(database, log, [new Tally()]))
        {
            await host.Reached("tally", await accounts.Move(First, 1));
        }

        // What a killed host leaves behind: a lease that nobody renews, and a place among the living.
        await accounts.Execute(
            """
            update crm.projections set holder = gen_random_uuid(), holder_name = 'killed', epoch = epoch + 1, lease_until = clock_timestamp() + interval '6 s';
            insert into crm.nodes select holder, 'killed', clock_timestamp() + interval '6 s' from crm.projections
            """);
        await using var heir = new RunningProjections(database, log, [new Tally()]);
        var last = await accounts.Move(First, 2);
        Assert.True(await heir.Progress.WaitFor("tally", last, TimeSpan.FromSeconds(10), TimeProvider.System, TestContext.Current.CancellationToken));
        Assert.Equal([(First, 3L)], await accounts.Balances());
    }

    [Fact]
    public async Task writes_nothing_once_its_lease_is_lost()
    {
        var reading = new TaskCompletionSource();
        var stolen = new TaskCompletionSource();
        var calls = 0;
        await using var host = new RunningProjections(database, log, [new Tally()], async (after, limit, ct) =>
        {
            var page = await log.ReadAfter(after, limit, ct);
            if (page.Count > 0 && Interlocked.Increment(ref calls) == 1)
            {
                reading.SetResult();
                await stolen.Task.WaitAsync(ct);
            }

            return page;
        });
        await Eventually.IsTrue(async () => await accounts.Scalar<long>("select count(*) from crm.projections where holder is not null") == 1, TestContext.Current.CancellationToken);
        var last = await accounts.Move(First, 1);
        await reading.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        await accounts.Execute(
            "update crm.projections set holder = gen_random_uuid(), epoch = epoch + 1, lease_until = clock_timestamp() + interval '2 s'");
        stolen.SetResult();

        // It comes back by itself when the thief's lease has run out; what it had folded under the old lease was never written.
        await host.Reached("tally", last);
        Assert.Equal([(First, 1L)], await accounts.Balances());
        Assert.Equal(1L, await accounts.Scalar<long>("select count(*) from crm_read.tally_movements"));
        Assert.True(calls >= 2);
    }

    [Fact]
    public async Task shares_the_projections_evenly_between_hosts()
    {
        Projection[] projections = [new Tally(), new Tally(name: "second"), new Tally(name: "third"), new Tally(name: "fourth")];
        await using var one = new RunningProjections(database, log, projections);
        await Eventually.IsTrue(async () => await accounts.Scalar<long>("select count(*) from crm.projections where holder is not null") == 4, TestContext.Current.CancellationToken);
        await using var two = new RunningProjections(database, log, projections);
        await Eventually.IsTrue(
            async () => await accounts.Scalar<long>("select count(*) from (select from crm.projections where holder is not null group by holder having count(*) = 2) h") == 2,
            TestContext.Current.CancellationToken,
            TimeSpan.FromSeconds(20));
        var last = await accounts.Move(First, 1, 2);
        foreach (var projection in projections)
        {
            await two.Reached(projection.Name, last);
            Assert.Equal([(First, 3L)], await accounts.Balances(projection.Name));
        }
    }
}

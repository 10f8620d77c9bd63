using System.Collections.Concurrent;
using Crm.EventStore.Log;
using Crm.Testing;
using Npgsql;
using static Crm.EventStore.Tests.Log.Notes;

namespace Crm.EventStore.Tests.Log;

public class Many_writers_at_once
{
    private const int Writers = 32;
    private const int CommandsEach = 60;

    private readonly ConcurrentBag<(AppendCommand Command, AppendOutcome Outcome)> answered = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task lose_nothing_and_skip_nothing_among_conflicts_and_rolled_back_transactions(int hosts)
    {
        await using var database = await TestDatabase.Create();
        var logs = Enumerable.Range(0, hosts).Select(_ => Open(database.App)).ToArray();
        await using var subscriber = new Subscriber(logs[0]);
        await using var shared = new Subscriber(logs[0], new LogTail(logs[0], capacity: 100));
        using var rollingBack = new CancellationTokenSource();
        var rollbacks = RollBack(database.App, rollingBack.Token);

        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Write(logs[writer % hosts], new Random(writer))));

        await rollingBack.CancelAsync();
        Assert.True(await rollbacks > 0);
        await AllAreThereOnce(database, logs[0], subscriber, shared);
        foreach (var log in logs)
        {
            await log.DisposeAsync();
        }

        var last = await database.App.Scalar<long>("select position from crm.log_counter");
        Assert.Equal(last, await database.App.Scalar<long>("select last_value from crm.mt_events_sequence"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task go_on_when_one_that_stalled_with_the_counter_in_its_hands_has_ended(bool commits)
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        await using var subscriber = new Subscriber(log);
        await log.Append(Append(Guid.NewGuid(), 0, "before"), Ct).Appended();
        await using var stalled = await StreamLock.Take(database.App, StalledAppend, Ct);
        var writers = Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Write(log, new Random(writer))));
        await stalled.IsWaitedFor(database.Superuser, Ct);

        // Long enough for every wait of the subscriber's polling; nothing may be seen or skipped meanwhile.
        Assert.False(await log.Position.WaitBeyond(1, TimeSpan.FromSeconds(2), Ct));
        await (commits ? stalled.Commit() : stalled.Rollback());

        await writers;
        await AllAreThereOnce(database, log, subscriber, foreign: commits ? 2 : 1);
    }

    [Fact]
    public async Task are_told_that_nothing_was_appended_when_the_one_that_stalls_does_not_end()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App, new EventLogOptions
        {
            LockTimeout = TimeSpan.FromMilliseconds(300),
            CommandDeadline = TimeSpan.FromMilliseconds(700),
        });
        await log.Append(Append(Guid.NewGuid(), 0, "before"), Ct).Appended();
        await using (await StreamLock.Take(database.App, StalledAppend, Ct))
        {
            var faults = await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ =>
                Assert.ThrowsAsync<LogUnavailableException>(() => log.Append(Append(Guid.NewGuid(), 0, "a"), Ct))));
            Assert.All(faults, fault => Assert.True(fault.NothingAppended));
        }

        Assert.Equal(2, (await log.Append(Append(Guid.NewGuid(), 0, "after"), Ct).Appended()).LastPosition);
        await IsSound(database.App);
    }

    [Fact]
    public async Task begin_a_stream_once_when_hosts_begin_the_same_ones_at_the_same_moment()
    {
        await using var database = await TestDatabase.Create();
        await using var one = Open(database.App);
        await using var other = Open(database.App);
        for (var round = 0; round < 40; round++)
        {
            var streams = Enumerable.Range(0, 16).Select(_ => Guid.NewGuid()).ToArray();
            var outcomes = await Task.WhenAll(
                streams.Select(stream => one.Append(Append(stream, 0, "one"), Ct))
                    .Concat(streams.Reverse().Select(stream => other.Append(Append(stream, 0, "other"), Ct))));

            Assert.Equal(streams.Length, outcomes.Count(static outcome => outcome is AppendOutcome.Appended));
            Assert.Equal(streams.Length, outcomes.Count(static outcome => outcome is AppendOutcome.VersionConflict { Actual: 1 }));
        }

        Assert.Equal(40 * 16, await one.LastPosition(Ct));
        await IsSound(database.App);
    }

    [Fact]
    public async Task do_not_wait_for_a_stream_that_somebody_else_holds()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        var stream = Guid.NewGuid();
        await log.Append(Append(stream, 0, "before"), Ct).Appended();
        await using var holder = await StreamLock.Stream(database.App, stream, Ct);

        var waits = log.Append(Append(stream, 1, "held up"), Ct);
        for (var number = 0; number < 50; number++)
        {
            await log.Append(Append(Guid.NewGuid(), 0, "not held up"), Ct).Appended();
        }

        Assert.False(waits.IsCompleted);
        await holder.Rollback();
        await waits.Appended();
        await IsSound(database.App);
    }

    [Fact]
    public async Task are_given_up_one_by_one_when_a_stream_stays_held()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App, new EventLogOptions { CommandDeadline = TimeSpan.FromMilliseconds(300) });
        var (held, free) = (Guid.NewGuid(), Guid.NewGuid());
        await log.Append(Append(held, 0, "before"), Ct).Appended();
        await using var holder = await StreamLock.Stream(database.App, held, Ct);

        var waits = log.Append(Append(held, 1, "held up"), Ct);
        await log.Append(Append(free, 0, "not held up"), Ct).Appended();

        Assert.True((await Assert.ThrowsAsync<LogUnavailableException>(() => waits)).NothingAppended);
    }

    [Fact]
    public async Task fail_alone_when_a_foreign_transaction_is_about_to_begin_the_same_stream()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App, new EventLogOptions
        {
            LockTimeout = TimeSpan.FromMilliseconds(300),
            CommandDeadline = TimeSpan.FromSeconds(10),
        });
        var stream = Guid.NewGuid();
        await using var holder = await StreamLock.Take(
            database.App, $"insert into crm.mt_streams (id, type, version) values ('{stream}', 'note', 1)", Ct);

        var waits = log.Append(Append(stream, 0, "held up"), Ct);
        var others = Task.WhenAll(Enumerable.Range(0, 50).Select(_ => log.Append(Append(Guid.NewGuid(), 0, "good"), Ct).Appended()));

        Assert.True((await Assert.ThrowsAsync<LogUnavailableException>(() => waits)).NothingAppended);
        await others;
        await IsSound(database.App);
    }

    // What an append of another host does up to its commit.
    private static string StalledAppend =>
        $$"""
        update crm.log_counter set position = position + 1, recorded_at = greatest(clock_timestamp(), recorded_at);
        insert into crm.mt_streams (id, type, version) values ('{{Guid.Empty}}', 'note', 1);
        insert into crm.mt_events (seq_id, id, stream_id, version, data, type, timestamp, headers)
        select position, '{{Guid.Empty}}', '{{Guid.Empty}}', 1, '{"text":"foreign","number":0}', 'noted', now(),
            jsonb_build_object('recordedAt', to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        from crm.log_counter
        """;

    // Conflicts come by themselves: few streams, and a version that is guessed.
    private async Task Write(EventLog log, Random random)
    {
        for (var number = 0; number < CommandsEach; number++)
        {
            var streams = Enumerable.Range(1, 8).OrderBy(_ => random.Next()).Take(random.Next(1, 3)).Select(StreamNumber).ToArray();
            var parts = new List<StreamAppend>();
            foreach (var stream in streams)
            {
                var version = (await log.ReadStream(stream, Ct)).Count;
                parts.Add(On(stream, version, [.. Enumerable.Range(0, random.Next(1, 4)).Select(place => Note($"{number}", place))]));
            }

            var command = Command([.. parts]);
            answered.Add((command, await log.Append(command, Ct)));
            var own = Append(Guid.NewGuid(), 0, "a stream of its own");
            answered.Add((own, await log.Append(own, Ct)));
        }
    }

    private static Guid StreamNumber(int number) => new(number, 0, 0, [0, 0, 0, 0, 0, 0, 0, 1]);

    // Transactions of others that take the counter, write an event, and think better of it.
    private static async Task<int> RollBack(NpgsqlDataSource database, CancellationToken stop)
    {
        var count = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await using var half = await StreamLock.Take(database, StalledAppend, Ct);
                await half.Rollback();
            }
            catch (PostgresException chosen) when (chosen.SqlState == PostgresErrorCodes.DeadlockDetected)
            {
                // Two hosts that begin the same streams may wait for each other, and this transaction stands in the queue between them:
                // the server rolls back whom it likes.
            }

            count++;
            await Task.Yield();
        }

        return count;
    }

    private async Task AllAreThereOnce(
        TestDatabase database, EventLog log, Subscriber subscriber, Subscriber? second = null, int foreign = 0)
    {
        var last = await log.LastPosition(Ct);
        var seen = await subscriber.Seen(last, Ct);
        Assert.Equal(Enumerable.Range(1, (int)last).Select(position => (long)position), seen.Select(recorded => recorded.Position));
        if (second is not null)
        {
            Assert.Equal(seen.Select(recorded => recorded.Id), (await second.Seen(last, Ct)).Select(recorded => recorded.Id));
        }

        var positions = seen.ToLookup(recorded => recorded.Id, recorded => recorded.Position);
        var inLog = 0;
        foreach (var (command, outcome) in answered)
        {
            var events = command.Streams.SelectMany(part => part.Events).ToList();
            if (outcome is AppendOutcome.Appended appended)
            {
                inLog += events.Count;
                Assert.Equal(
                    Enumerable.Range(1 - events.Count, events.Count).Select(place => appended.LastPosition + place),
                    events.Select(happened => Assert.Single(positions[happened.Id])));
            }
            else
            {
                Assert.IsType<AppendOutcome.VersionConflict>(outcome);
                Assert.DoesNotContain(events, happened => positions.Contains(happened.Id));
            }
        }

        Assert.Equal(last, inLog + foreign);
        Assert.Contains(answered, pair => pair.Outcome is AppendOutcome.VersionConflict);
        await IsSound(database.App);
    }
}

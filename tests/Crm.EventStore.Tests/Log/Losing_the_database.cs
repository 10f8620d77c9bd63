using System.Collections.Concurrent;
using Crm.EventStore.Log;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static Crm.EventStore.Tests.Log.Notes;

namespace Crm.EventStore.Tests.Log;

public class Losing_the_database
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task in_mid_load_loses_no_answered_command_and_doubles_none()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App);
        await using var subscriber = new Subscriber(log);
        var answered = new ConcurrentBag<(AppendCommand Command, AppendOutcome.Appended Outcome)>();
        using var enough = new CancellationTokenSource();
        var writers = Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            while (!enough.IsCancellationRequested)
            {
                var stream = Guid.NewGuid();
                for (var version = 0; version < 3; version++)
                {
                    var command = Append(stream, version, "a");
                    command = version == 1 ? command with { Receipt = ReceiptOf(stream, $"{stream}") } : command;

                    // A command that was under way when its connection died is settled by its event's id or its receipt: no conflict.
                    answered.Add((command, await log.Append(command, Ct).Appended()));
                    Assert.Equal(version + 1, (await Read(log, stream)).Count);
                }
            }
        }));

        for (var kill = 1; kill <= 10; kill++)
        {
            var sofar = answered.Count;
            await Eventually.IsTrue(() => writers.IsCompleted || answered.Count > sofar + 50, Ct);
            await Kill(database);
        }

        await enough.CancelAsync();
        await writers;
        var last = await log.LastPosition(Ct);
        Assert.Equal(answered.Count, last);
        Assert.Equal(
            Enumerable.Range(1, (int)last).Select(position => (long)position), answered.Select(pair => pair.Outcome.LastPosition).Order());
        var seen = (await subscriber.Seen(last, Ct)).ToDictionary(recorded => recorded.Position, recorded => recorded.Id);
        Assert.All(answered, pair => Assert.Equal(pair.Command.Streams[0].Events[0].Id, seen[pair.Outcome.LastPosition]));
        await IsSound(database.App);
    }

    [Fact]
    public async Task answers_unavailable_in_time_and_goes_on_by_itself_when_it_is_back()
    {
        await using var database = await TestDatabase.Create();
        await using var log = Open(database.App, new EventLogOptions { CommandDeadline = TimeSpan.FromSeconds(1) });
        await log.Append(Append(Guid.NewGuid(), 0, "before"), Ct).Appended();

        await database.Cluster.Admin.Execute($"alter database {database.Name} with allow_connections false");
        try
        {
            await Kill(database);
            var faults = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ =>
                Assert.ThrowsAsync<LogUnavailableException>(() => log.Append(Append(Guid.NewGuid(), 0, "meanwhile"), Ct))));
            Assert.All(faults, fault => Assert.NotNull(fault.InnerException));
            await Assert.ThrowsAsync<LogUnavailableException>(() => log.LastPosition(Ct));
            await Assert.ThrowsAsync<LogUnavailableException>(() => log.ReadStream(Guid.NewGuid(), Ct));
        }
        finally
        {
            await database.Cluster.Admin.Execute($"alter database {database.Name} with allow_connections true");
        }

        var after = Guid.NewGuid();
        Assert.Equal(2, (await log.Append(Append(after, 0, "after"), Ct).Appended()).LastPosition);
        Assert.Single(await log.ReadStream(after, Ct));
    }

    [Fact]
    public async Task is_bridged_by_the_listener_that_hears_of_another_hosts_events()
    {
        await using var database = await TestDatabase.Create();
        await using var here = Open(database.App);
        await using var there = Open(database.App);
        using var stopping = new CancellationTokenSource();
        var listening = new LogListener(database.App, here, NullLogger<LogListener>.Instance).Run(stopping.Token);

        for (var round = 1; round <= 3; round++)
        {
            var appended = await there.Append(Append(Guid.NewGuid(), 0, "a"), Ct).Appended();
            await Eventually.IsTrue(() => here.Position.Known >= appended.LastPosition, Ct);
            await Kill(database);
        }

        await stopping.CancelAsync();
        await listening;
    }

    // Two kills in a row may meet both attempts of a read; its caller is told so.
    private static async Task<IReadOnlyList<RecordedEvent>> Read(EventLog log, Guid stream)
    {
        while (true)
        {
            try
            {
                return await log.ReadStream(stream, Ct);
            }
            catch (LogUnavailableException)
            {
                await Task.Yield();
            }
        }
    }

    private static Task Kill(TestDatabase database) => database.Cluster.Admin.Execute(
        $"select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{database.Name}' and usename = 'crm_app'");
}

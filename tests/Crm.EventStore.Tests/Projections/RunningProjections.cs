using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Crm.EventStore.Tests.Projections;

/// <summary>One host's projections over a test database, until disposed.</summary>
public sealed class RunningProjections : IAsyncDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly Task running;

    public RunningProjections(
        TestDatabase database, EventLog log, IReadOnlyList<Projection> projections, Func<long, int, CancellationToken, Task<IReadOnlyList<RecordedEvent>>>? read = null)
    {
        Progress = new ProjectionProgress(database.App);
        Rebuilder = new Rebuilder(database.App, log, NullLogger<Rebuilder>.Instance);
        var runner = new ProjectionRunner(
            database.App, log, read ?? log.ReadAfter, projections, Rebuilder, Progress, NullLogger<ProjectionRunner>.Instance);
        running = runner.Run(stop.Token);
    }

    public ProjectionProgress Progress { get; }

    public Rebuilder Rebuilder { get; }

    public async Task Reached(string projection, long position)
    {
        Assert.True(
            await Progress.WaitFor(projection, position, TimeSpan.FromSeconds(30), TimeProvider.System, TestContext.Current.CancellationToken),
            $"{projection} did not reach {position}.");
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await running;
        stop.Dispose();
    }
}

/// <summary>What the specifications of the engine do to a log of toy accounts.</summary>
public sealed class Accounts(TestDatabase database, EventLog log)
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly Dictionary<Guid, long> versions = [];

    public static Guid Number(int number) => new($"00000000-0000-7000-8000-{number:x12}");

    public async Task<long> Move(Guid account, params int[] amounts)
    {
        var events = amounts.Select(amount => new NewEvent(Guid.NewGuid(), new Moved(amount, "toy"), Noon.AddDays(amount % 5))).ToList();
        return await Append(account, events);
    }

    /// <summary>Somebody's own words in an account's movement.</summary>
    public async Task<long> Note(Guid account, params string[] notes) =>
        await Append(account, [.. notes.Select(note => new NewEvent(Guid.NewGuid(), new Moved(1, note), Noon))]);

    /// <summary>Appends the fact of an erasure; what stood in the stream reads otherwise from then on, as when its key is destroyed.</summary>
    public async Task<long> Erase(Guid account)
    {
        await Execute($$"""update crm.mt_events set data = data || '{"note":"[gone]"}' where stream_id = '{{account}}' and type = 'moved'""");
        await Execute(
            $"""
            insert into crm.subject_keys (stream_id, wrapped, master_key, created_at, destroyed_at) values ('{account}', null, '', now(), now())
            on conflict do nothing
            """);
        return await Append(account, [new NewEvent(Guid.NewGuid(), new Erased(), Noon)]);
    }

    /// <summary>The notes of an account's diary, and behind them what its owner's row holds.</summary>
    public async Task<string> Diary(Guid account) => await Scalar<string>(
        $"""
        select (select coalesce(string_agg(note, ', ' order by position), '') from crm_read.diary_lines where account = '{account}')
            || (select coalesce(string_agg('; ' || last, ''), '') from crm_read.diary_owners where account = '{account}')
        """);

    /// <summary>In how many tables of read models, live or not, a text stands.</summary>
    public async Task<long> TablesHolding(string text) => await Scalar<long>(
        $"""
        select count(*) from pg_tables t
        where t.schemaname = 'crm_read' and (xpath('/row/c/text()', query_to_xml(
            format('select count(*) as c from crm_read.%I t where t::text like %L', t.tablename, '%{text}%'), false, true, '')))[1]::text <> '0'
        """);

    public async Task<long> Close(Guid account) => await Append(account, [new NewEvent(Guid.NewGuid(), new Closed(), Noon)]);

    public async Task<long> View(Guid account) => await Append(account, [new NewEvent(Guid.NewGuid(), new Viewed(), Noon)]);

    public async Task<IReadOnlyList<(Guid Account, long Balance)>> Balances(string projection = "tally")
    {
        var rows = new List<(Guid, long)>();
        await using var command = database.App.CreateCommand($"select account, balance from crm_read.{projection}_accounts order by account");
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            rows.Add((reader.GetGuid(0), reader.GetInt64(1)));
        }

        return rows;
    }

    public async Task<T> Scalar<T>(string sql)
    {
        await using var command = database.Superuser.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken)
            ?? throw new InvalidOperationException($"No value: {sql}"));
    }

    public async Task Execute(string sql)
    {
        await using var command = database.Superuser.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The live tables hold exactly what a fresh rebuild makes of the log, row for row.</summary>
    public async Task EqualsARebuild(RunningProjections host, Projection projection)
    {
        var report = await host.Rebuilder.Rebuild(projection, progress: null, TestContext.Current.CancellationToken);
        Assert.NotNull(report);
        Assert.All(report.Tables, table => Assert.True(table.EqualsLive, $"{table.Name}: live and rebuilt differ."));
    }

    private async Task<long> Append(Guid account, List<NewEvent> events)
    {
        var version = versions.GetValueOrDefault(account);
        var outcome = await log.Append(
            new AppendCommand([new StreamAppend(account, "account", version, events)], Envelope.System), TestContext.Current.CancellationToken);
        var appended = Assert.IsType<AppendOutcome.Appended>(outcome);
        versions[account] = version + events.Count;
        return appended.LastPosition;
    }
}

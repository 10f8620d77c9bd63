using Crm.Application.Recovery;
using Crm.Application.Seeding;
using Crm.Application.Teams;
using Crm.Application.Users;
using Crm.Domain.Leads;
using Crm.Domain.Teams;
using Crm.Domain.Users;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Projections;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.Application.Tests.Recovery;

public sealed class Recovering_the_log : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private readonly TestDatabase source = new();
    private readonly List<string> targets = [];
    private EventLog? log;
    private CrmDatabase? database;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private EventLog Log => log ?? throw new InvalidOperationException("The log is made before each test.");

    private CrmDatabase Database => database ?? throw new InvalidOperationException("The database is made before each test.");

    public async ValueTask InitializeAsync()
    {
        await source.InitializeAsync();
        log = new EventLog(source.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        var few = new DataSourceSettings { MaxConnections = 10 };
        database = await CrmDatabase.External(source.Cluster.Superuser(source.Name), owner: null, few, Ct);
        await LeadSeed.To(log, 300, seed: 7, Now, progress: null, Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        await Database.DisposeAsync();
        await source.DisposeAsync();
        var cluster = await TestCluster.Shared;
        foreach (var target in targets)
        {
            await DatabaseAdmin.DropDatabase(cluster.Admin, target, CancellationToken.None);
        }
    }

    [Fact]
    public async Task gives_exactly_the_log_up_to_there_with_all_read_models()
    {
        var last = await Log.LastPosition(Ct);
        var position = last * 2 / 3;
        await using var target = await Target();

        var report = await Recover(target, position);

        Assert.True(report.Verified);
        Assert.Equal(position, report.Recovered.Events);
        Assert.Equal(report.Source, report.Recovered);
        Assert.NotEqual(report.Recovered.Sha256, (await LogDigest.Of(source.App, last, Ct)).Sha256);
        Assert.Equal(ProjectionList.All.Sum(projection => projection.Tables.Count), report.Tables.Count);
        Assert.Equal(await Leads(source.Superuser, position), report.Tables.Single(table => table.Table == "lead_board").Rows);
        Assert.Equal(position, await One<long>(target.App, "select position from crm.log_counter"));
        Assert.Equal(0, await One<long>(
            target.App,
            "select count(*) from crm.mt_streams s "
            + "where s.version <> (select max(e.version) from crm.mt_events e where e.stream_id = s.id)"));
        Assert.Equal(
            await Leads(source.Superuser, position),
            await One<long>(target.App, "select count(*) from crm.unique_keys where scope = 'lead-external-id'"));
    }

    [Fact]
    public async Task holds_the_unique_keys_that_stood_whatever_letters_they_are_of()
    {
        var (user, team) = (Guid.NewGuid(), Guid.NewGuid());
        await Begin(
            UserStream.Kind, user,
            new UserRegistered("Özge", "ÖZGE@EXAMPLE.COM", Role.Agent, IsActive: true), new UserIdentityLinked("issuer", "Ä"));
        await Begin(
            TeamStream.Kind, team,
            new TeamFormed("ÄUSSERER Dienst"), new TeamMemberAdded(user), new TeamRenamed("ÖSTLICHER Dienst"));
        await Begin(TeamStream.Kind, Guid.NewGuid(), new TeamFormed("No more"), new TeamMemberAdded(user), new TeamDisbanded());
        await using var target = await Target();

        await Recover(target, await Log.LastPosition(Ct));

        const string keys = "select string_agg(concat_ws('|', scope, key, stream_id), E'\n' order by scope, key) from crm.unique_keys";
        Assert.Contains("östlicher dienst", await One<string>(source.App, keys), StringComparison.Ordinal);
        Assert.Equal(await One<string>(source.App, keys), await One<string>(target.App, keys));
    }

    [Fact]
    public async Task takes_second_factors_along_of_those_who_are_in_it()
    {
        // Where passwords alone stood, one would be enough. The last: of somebody who is not in the log.
        await using (var enrol = source.App.CreateCommand(
            """
            insert into crm.second_factors (user_id, secret, created_at, confirmed_at)
            select id, '\x01'::bytea, now(), now() from crm.mt_streams where type = 'user'
            union all select gen_random_uuid(), '\x01'::bytea, now(), now();
            insert into crm.recovery_codes (user_id, code_hash) select user_id, '\x02'::bytea from crm.second_factors
            """))
        {
            await enrol.ExecuteNonQueryAsync(Ct);
        }

        await using var target = await Target();
        await Recover(target, await Log.LastPosition(Ct));

        var users = await One<long>(target.App, "select count(*) from crm.mt_streams where type = 'user'");
        Assert.True(users > 0);
        Assert.Equal(users, await One<long>(target.App, "select count(*) from crm.second_factors where confirmed_at is not null"));
        Assert.Equal(users, await One<long>(target.App, "select count(*) from crm.recovery_codes where used_at is null"));
    }

    [Fact]
    public async Task goes_on_working_from_there()
    {
        var position = await Log.LastPosition(Ct) / 2;
        await using var target = await Target();
        await Recover(target, position);
        await using var recovered = new EventLog(target.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());

        var captured = new NewEvent(Guid.CreateVersion7(), new LeadCaptured(LeadDetails.Unknown, 0, 1), Now);
        var outcome = await recovered.Append(
            new AppendCommand([new StreamAppend(Guid.CreateVersion7(), "lead", 0, [captured])], Envelope.System), Ct);

        Assert.Equal(position + 1, Assert.IsType<AppendOutcome.Appended>(outcome).LastPosition);
    }

    [Fact]
    public async Task of_everything_equals_the_source_row_for_row()
    {
        await using (var app = new EventLog(source.App, EventJson.Catalog, TestKeys.Masters, new LogPosition()))
        {
            using var rebuilder = new Rebuilder(source.App, app, NullLogger<Rebuilder>.Instance);
            foreach (var projection in ProjectionList.All)
            {
                await rebuilder.Rebuild(projection, progress: null, Ct);
            }
        }

        await using var target = await Target();

        var report = await Recover(target, await Log.LastPosition(Ct));

        Assert.All(report.Tables, table => Assert.True(table.EqualsSource, table.Table));
    }

    [Fact]
    public async Task refuses_a_database_that_is_not_empty()
    {
        await using var target = await Target();
        await using (var somebody = (target.Owner ?? target.App).CreateCommand("create table public.somebodys (id int)"))
        {
            await somebody.ExecuteNonQueryAsync(Ct);
        }

        await Assert.ThrowsAsync<RecoveryRefusedException>(() => Recover(target, 10));
        Assert.Equal(0, await One<long>(target.Owner ?? target.App, "select count(*) from pg_namespace where nspname like 'crm%'"));
    }

    [Fact]
    public async Task refuses_a_database_that_holds_a_finished_recovery()
    {
        await using var target = await Target();
        await Recover(target, 10);

        await Assert.ThrowsAsync<RecoveryRefusedException>(() => Recover(target, 10));
    }

    [Fact]
    public async Task refuses_a_position_that_the_log_has_not()
    {
        await using var target = await Target();
        var beyond = await Log.LastPosition(Ct) + 1;

        await Assert.ThrowsAsync<RecoveryRefusedException>(() => Recover(target, beyond));
        await Assert.ThrowsAsync<RecoveryRefusedException>(() => Recover(target, 0));
    }

    [Theory]
    [InlineData("copy the log")]
    [InlineData("build lead_board")]
    [InlineData("build response_times")]
    [InlineData("verify")]
    public async Task goes_on_after_it_was_interrupted(string step)
    {
        var position = await Log.LastPosition(Ct);
        await using var target = await Target();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Recover(target, position, new StoppingAt(step, stop), stop.Token));
        await Assert.ThrowsAsync<RecoveryRefusedException>(() => Recover(target, position - 1));

        var report = await Recover(target, position);

        Assert.True(report.Verified);
        Assert.Equal(position, report.ResumedAfter);
    }

    private Task<RecoveryReport> Recover(
        CrmDatabase target, long position, IProgress<RecoveryProgress>? progress = null, CancellationToken? ct = null) =>
        new LogRecovery(
            Database, target.Owner ?? target.App, target.App, TestKeys.Masters, ProjectionList.All, TimeProvider.System,
            NullLoggerFactory.Instance).To(position, reviveApiKeys: false, progress, ct ?? Ct);

    private async Task<CrmDatabase> Target()
    {
        var name = $"{source.Name}_r{targets.Count}";
        targets.Add(name);
        await DatabaseAdmin.CreateDatabase(source.Cluster.Admin, name, template: null, Ct);
        return await CrmDatabase.External(source.Cluster.Superuser(name), owner: null, new DataSourceSettings { MaxConnections = 10 }, Ct);
    }

    private static async Task<long> Leads(NpgsqlDataSource database, long upTo)
    {
        await using var count = database.CreateCommand("select count(*) from crm.mt_events where type = 'lead-captured' and seq_id <= $1");
        count.Parameters.Add(new NpgsqlParameter<long> { TypedValue = upTo });
        return (long)(await count.ExecuteScalarAsync(Ct) ?? 0L);
    }

    private static async Task<T> One<T>(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Ct) ?? throw new InvalidOperationException("No row."));
    }

    private async Task Begin<TState, TEvent>(StreamKind<TState, TEvent> kind, Guid id, params TEvent[] events)
        where TEvent : class
    {
        var happened = events.Select(static @event => new NewEvent(Guid.NewGuid(), @event, Now));
        var append = new AppendCommand([new StreamAppend(id, kind.Aggregate.StreamType, 0, [.. happened])], Envelope.System)
        {
            Claims = kind.Keys(id, kind.Aggregate.Fold(events)),
        };
        Assert.IsType<AppendOutcome.Appended>(await Log.Append(append, Ct));
    }

    private sealed class StoppingAt(string step, CancellationTokenSource stop) : IProgress<RecoveryProgress>
    {
        public void Report(RecoveryProgress value)
        {
            if (value.Step == step)
            {
                stop.Cancel();
            }
        }
    }
}

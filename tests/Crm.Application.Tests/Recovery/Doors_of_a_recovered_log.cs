using Crm.Application.ApiKeys;
using Crm.Application.Permissions;
using Crm.Application.Recovery;
using Crm.Application.Seeding;
using Crm.Application.Users;
using Crm.Domain.ApiKeys;
using Crm.Domain.Users;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Projections;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.Application.Tests.Recovery;

/// <summary>A recovery to an earlier moment opens nothing that has been shut since, and not silently.</summary>
public sealed class Doors_of_a_recovered_log : IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private static readonly Guid user = Guid.CreateVersion7(Now);
    private static readonly Guid revoked = Guid.CreateVersion7(Now);
    private static readonly Guid working = Guid.CreateVersion7(Now);
    private readonly TestDatabase source = new();
    private EventLog? log;
    private CrmDatabase? database;
    private CrmDatabase? target;
    private long before;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private EventLog Log => log ?? throw new InvalidOperationException("The log is made before each test.");

    private CrmDatabase Target => target ?? throw new InvalidOperationException("The target is made before each test.");

    private string TargetName => $"{source.Name}_r";

    /// <summary>Two API keys and a user; then the user is deactivated, and one of the keys revoked.</summary>
    public async ValueTask InitializeAsync()
    {
        await source.InitializeAsync();
        log = new EventLog(source.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        await LeadSeed.To(log, 20, seed: 7, Now, progress: null, Ct);
        await Begin(UserStream.Kind, user, new UserRegistered("Ada", "ada@example.com", Role.Agent, IsActive: true));
        await Begin(ApiKeyStream.Kind, revoked, Issued("former"));
        await Begin(ApiKeyStream.Kind, working, Issued("importer"));
        await Execute(
            source.App,
            "insert into crm.api_keys (id, secret_hash, created_at) select id, '\\x03', now() from crm.mt_streams where type = 'api-key'");
        before = await log.LastPosition(Ct);
        using var commands = new CommandRunner(log);
        var context = new CommandContext(Envelope.System, Now, Scope.System);
        await commands.Run(UserStream.Kind, user, new DeactivateUser(IsOwnAccount: false, IsLastAdmin: false, "left"), context, Ct);
        await commands.Run(ApiKeyStream.Kind, revoked, new RevokeApiKey(), context, Ct);

        var few = new DataSourceSettings { MaxConnections = 10 };
        database = await CrmDatabase.External(source.Cluster.Superuser(source.Name), owner: null, few, Ct);
        await DatabaseAdmin.CreateDatabase(source.Cluster.Admin, TargetName, template: null, Ct);
        target = await CrmDatabase.External(source.Cluster.Superuser(TargetName), owner: null, few, Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        await (database?.DisposeAsync() ?? ValueTask.CompletedTask);
        await Target.DisposeAsync();
        await DatabaseAdmin.DropDatabase(source.Cluster.Admin, TargetName, CancellationToken.None);
        await source.DisposeAsync();
    }

    [Fact]
    public async Task stay_shut_for_api_keys_which_come_back_revoked_on_the_record()
    {
        var report = await Recover(before);

        Assert.True(report.Verified);
        Assert.Equal((before, before), (report.Recovered.Events, report.Recovered.LastPosition));
        Assert.Equal(2, report.RevokedApiKeys);
        Assert.Equal(0, await One<long>("select count(*) from crm.api_keys"));
        await using var recovered = Recovered();
        Assert.True((await recovered.ReadApiKey(revoked, Ct)).IsRevoked);
        Assert.True((await recovered.ReadApiKey(working, Ct)).IsRevoked);
        Assert.Equal(before + 2, await recovered.LastPosition(Ct));
        Assert.All(await recovered.ReadAfter(before, 10, Ct), each => Assert.Equal("recovered by replay", each.Envelope.Reason));
    }

    [Fact]
    public async Task are_named_where_they_were_shut_after_that_moment()
    {
        var report = await Recover(before);

        Assert.Collection(
            report.Warnings,
            warning => Assert.Contains($"user {user} was deactivated at position {before + 1}", warning, StringComparison.Ordinal),
            warning => Assert.Contains($"API key {revoked} was revoked at position {before + 2}", warning, StringComparison.Ordinal));
    }

    [Fact]
    public async Task open_for_api_keys_where_that_is_asked_for_and_are_named_still()
    {
        var report = await Recover(before, revive: true);

        Assert.True(report.Verified);
        Assert.Equal(0, report.RevokedApiKeys);
        Assert.Equal(2, report.Warnings.Count);
        Assert.Equal(2, await One<long>("select count(*) from crm.api_keys"));
        await using var recovered = Recovered();
        Assert.False((await recovered.ReadApiKey(revoked, Ct)).IsRevoked);
        Assert.Equal(before, await recovered.LastPosition(Ct));
    }

    [Fact]
    public async Task are_none_where_nothing_was_shut_since()
    {
        var report = await Recover(before + 2);

        Assert.Equal(1, report.RevokedApiKeys);
        Assert.Empty(report.Warnings);
    }

    [Fact]
    public async Task stay_shut_when_the_recovery_was_killed_while_it_shut_them()
    {
        await BuildReadModels();
        await Recover(before + 2);
        await Execute(Target.Owner ?? Target.App, "update crm_recovery.marker set finished_at = null");

        var again = await Recover(before + 2);

        Assert.True(again.Verified);
        Assert.Equal(0, again.RevokedApiKeys);
        Assert.Equal(0, await One<long>("select count(*) from crm.api_keys"));
        Assert.Equal(1, await One<long>("select count(*) from crm_recovery.marker where finished_at is not null"));
    }

    [Fact]
    public async Task do_not_let_in_an_event_that_the_source_has_not()
    {
        await Recover(before + 2);
        await Execute(Target.Owner ?? Target.App, "update crm_recovery.marker set finished_at = null");
        await using (var recovered = Recovered())
        {
            await Begin(ApiKeyStream.Kind, Guid.CreateVersion7(), recovered, Issued("nobody's"));
        }

        Assert.False((await Recover(before + 2)).Verified);
    }

    private Task<RecoveryReport> Recover(long position, bool revive = false) =>
        new LogRecovery(
            database ?? throw new InvalidOperationException("The database is made before each test."), Target.Owner ?? Target.App,
            Target.App, TestKeys.Masters, ProjectionList.All, TimeProvider.System, NullLoggerFactory.Instance)
            .To(position, revive, progress: null, Ct);

    private EventLog Recovered() => new(Target.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());

    private async Task BuildReadModels()
    {
        using var rebuilder = new Rebuilder(source.App, Log, NullLogger<Rebuilder>.Instance);
        foreach (var projection in ProjectionList.All)
        {
            await rebuilder.Rebuild(projection, progress: null, Ct);
        }
    }

    private static ApiKeyIssued Issued(string name) => new(name, user, ["leads:read"], ExpiresAt: null, ActsForOthers: false);

    private Task Begin<TState, TEvent>(StreamKind<TState, TEvent> kind, Guid id, TEvent happened)
        where TEvent : class => Begin(kind, id, Log, happened);

    private static async Task Begin<TState, TEvent>(StreamKind<TState, TEvent> kind, Guid id, EventLog into, TEvent happened)
        where TEvent : class
    {
        var append = new StreamAppend(id, kind.Aggregate.StreamType, 0, [new NewEvent(Guid.NewGuid(), happened, Now)]);
        Assert.IsType<AppendOutcome.Appended>(await into.Append(new AppendCommand([append], Envelope.System), Ct));
    }

    private async Task<T> One<T>(string sql)
    {
        await using var command = (Target.Owner ?? Target.App).CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Ct) ?? throw new InvalidOperationException("No row."));
    }

    private static async Task Execute(NpgsqlDataSource on, string sql)
    {
        await using var command = on.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Ct);
    }
}

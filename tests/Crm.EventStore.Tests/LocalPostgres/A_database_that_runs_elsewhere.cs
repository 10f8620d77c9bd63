using System.Security.Cryptography;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Schema;
using Crm.Testing;
using Npgsql;

namespace Crm.EventStore.Tests.LocalPostgres;

public sealed class A_database_that_runs_elsewhere : IAsyncLifetime
{
    private const string Password = "of no value: the server is removed with the tests";
    private static readonly DataSourceSettings Small = new() { MaxConnections = 2 };
    private readonly string name = "t_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private TestCluster cluster = null!; // set before each test, by InitializeAsync

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string OwnerLogin => name + "_dba";

    private string AppLogin => name + "_web";

    public async ValueTask InitializeAsync()
    {
        cluster = await TestCluster.Shared;
        await Run($"create role {OwnerLogin} login createrole password '{Password}'");
        await Run($"create role {AppLogin} login password '{Password}'");
        await Run($"create database {name} owner {OwnerLogin} template template0");
    }

    public async ValueTask DisposeAsync()
    {
        await DatabaseAdmin.DropDatabase(cluster.Admin, name, CancellationToken.None);
        await Run($"drop role {OwnerLogin}, {AppLogin}");
    }

    [Fact]
    public async Task is_worked_on_by_a_powerful_login_as_the_role_that_cannot_change_the_log()
    {
        await using var database = await CrmDatabase.External(cluster.Superuser(name), owner: null, Small, Ct);
        await Migrations.Apply(Assert.IsType<NpgsqlDataSource>(database.Owner, exactMatch: false), Ct);
        for (var again = 0; again < 3; again++)
        {
            await using var who = database.App.CreateCommand("select current_user"); // from the pool too
            Assert.Equal("crm_app", await who.ExecuteScalarAsync(Ct));
        }

        await using var change = database.App.CreateCommand("delete from crm.mt_events");
        var refused = await Assert.ThrowsAsync<PostgresException>(() => change.ExecuteNonQueryAsync(Ct));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
    }

    [Fact]
    public async Task is_migrated_by_the_owners_login_and_worked_on_by_the_other()
    {
        await using var database = await CrmDatabase.External(As(AppLogin), As(OwnerLogin), Small, Ct);
        await Migrations.Apply(Assert.IsType<NpgsqlDataSource>(database.Owner, exactMatch: false), Ct);
        await using var read = database.App.CreateCommand("select current_user::text || count(*)::text from crm.mt_events");
        Assert.Equal("crm_app0", await read.ExecuteScalarAsync(Ct));
        Assert.DoesNotContain(Password, database.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task says_what_an_administrator_must_run_where_the_login_may_not_switch()
    {
        var refused = await Assert.ThrowsAsync<LocalPostgresException>(() => CrmDatabase.External(As(AppLogin), owner: null, Small, Ct));
        Assert.Contains("grant crm_app to", refused.Message, StringComparison.Ordinal);
        Assert.Contains(AppLogin, refused.Message, StringComparison.Ordinal);
    }

    private string As(string login) => new NpgsqlConnectionStringBuilder(cluster.Superuser(name))
    {
        Username = login,
        Password = Password,
    }.ConnectionString;

    private async Task Run(string sql)
    {
        await using var command = cluster.Admin.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }
}

using Crm.Testing;

namespace Crm.EventStore.Tests.LocalPostgres;

public class A_test_database(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Fact]
    public async Task is_entered_by_each_role_as_itself()
    {
        var ct = TestContext.Current.CancellationToken;
        Assert.Equal("crm_app", await User(database.App, ct));
        Assert.Equal("crm_app", await User(database.App, ct)); // from the pool, after its reset
        Assert.Equal("crm_owner", await User(database.Owner, ct));
        Assert.Equal("crm_reporting", await User(database.Reporting, ct));
        Assert.Equal("postgres", await User(database.Superuser, ct));
    }

    [Fact]
    public async Task is_another_one_for_each_that_asks()
    {
        await using var other = await TestDatabase.Create();
        Assert.NotEqual(database.Name, other.Name);
    }

    private static async Task<string?> User(Npgsql.NpgsqlDataSource source, CancellationToken ct)
    {
        await using var command = source.CreateCommand("select current_user");
        return (string?)await command.ExecuteScalarAsync(ct);
    }
}

using Crm.EventStore.Log;
using Crm.Testing;
using Npgsql;

namespace Crm.EventStore.Tests.Log;

public class A_connection_of_the_log
{
    [Theory]
    [InlineData("off", "on")]
    [InlineData("remote_apply", "remote_apply")]
    public async Task forces_commits_to_disk_whatever_the_database_is_set_to(string setting, string expected)
    {
        await using var database = await TestDatabase.Create();
        var name = await database.App.Scalar<string>("select current_database()::text");
        await database.Superuser.Execute($"alter database \"{name}\" set synchronous_commit = {setting}");
        NpgsqlConnection.ClearPool(await database.App.OpenConnectionAsync(TestContext.Current.CancellationToken));
        string? found = null;

        using var connection = new OwnConnection(database.App, new EventLogOptions(), opened => found = Ask(opened));

        Assert.Null(connection.Ensure(TimeSpan.FromSeconds(10)));
        Assert.Equal(expected, found);
    }

    private static string? Ask(NpgsqlConnection opened)
    {
        using var command = new NpgsqlCommand("show synchronous_commit", opened);
        return (string?)command.ExecuteScalar();
    }
}

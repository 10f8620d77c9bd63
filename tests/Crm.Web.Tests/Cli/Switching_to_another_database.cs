using System.Text.Json;
using Crm.EventStore.LocalPostgres;
using Crm.Testing;
using Npgsql;

namespace Crm.Web.Tests.Cli;

public sealed class Switching_to_another_database
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task puts_a_recovered_one_in_the_place_of_the_one_that_serves_and_back()
    {
        await using var own = await TestDatabase.Create();
        var recovered = $"{own.Name}_r";
        var kept = new List<string> { recovered };
        try
        {
            Assert.Equal(0, (await CrmProcess.Run(own, Ct, "seed", "--leads", "20")).ExitCode);
            var all = await LastPosition(own, own.Name);
            Assert.Equal(0, (await CrmProcess.Run(own, Ct, "recover", "--to", "40", "--into", recovered)).ExitCode);

            // Somebody is connected, as a host would be.
            await using (var host = await Connected(own, own.Name))
            {
                var (refused, _, why) = await CrmProcess.Run(own, Ct, "switch", recovered);
                Assert.Equal(3, refused);
                Assert.Contains("stop every host", why, StringComparison.Ordinal);
                Assert.Equal(all, await LastPosition(own, own.Name));
            }

            Assert.Equal(0, (await CrmProcess.Run(own, Ct, "switch", recovered, "--dry-run")).ExitCode);
            var (code, output, error) = await CrmProcess.Run(own, Ct, "switch", recovered, "--json");
            Assert.True(code == 0, error);
            var switched = JsonDocument.Parse(output).RootElement;
            kept.Add(switched.GetProperty("keptAs").GetString() ?? "");
            Assert.Equal((40, all - 40), (switched.GetProperty("position").GetInt64(), switched.GetProperty("leftBehind").GetInt64()));
            Assert.Equal((40, all), (await LastPosition(own, own.Name), await LastPosition(own, kept[^1])));
            Assert.Equal(0, (await CrmProcess.Run(own, Ct, "integrity")).ExitCode);

            // The way back is the same way.
            var (back, _, fault) = await CrmProcess.Run(own, Ct, "switch", kept[^1], "--json");
            Assert.True(back == 0, fault);
            Assert.Equal(all, await LastPosition(own, own.Name));
        }
        finally
        {
            kept.AddRange(await Like(own));
            foreach (var name in kept.Distinct())
            {
                await DatabaseAdmin.DropDatabase(own.Cluster.Admin, name, CancellationToken.None);
            }
        }
    }

    [Fact]
    public async Task refuses_one_that_is_not_fit_to_serve()
    {
        await using var own = await TestDatabase.Create();
        await using var other = await TestDatabase.Create();
        Assert.Equal(3, (await CrmProcess.Run(own, Ct, "switch", "no_such_database")).ExitCode);
        Assert.Equal(0, (await CrmProcess.Run(other, Ct, "seed", "--leads", "5")).ExitCode);
        await using (var damage = await Connected(other, other.Name))
        {
            await using var delete = new NpgsqlCommand("delete from crm.mt_events where seq_id = 3", damage);
            await delete.ExecuteNonQueryAsync(Ct);
        }

        var (code, _, why) = await CrmProcess.Run(own, Ct, "switch", other.Name);

        Assert.Equal(3, code);
        Assert.Contains("position 3 is missing", why, StringComparison.Ordinal);
    }

    private static async Task<NpgsqlConnection> Connected(TestDatabase own, string database)
    {
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(own.Cluster.Superuser(database)) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(Ct);
        return connection;
    }

    private static async Task<long> LastPosition(TestDatabase own, string database)
    {
        await using var connection = await Connected(own, database);
        await using var last = new NpgsqlCommand("select max(seq_id) from crm.mt_events", connection);
        return (long)(await last.ExecuteScalarAsync(Ct) ?? 0L);
    }

    private static async Task<List<string>> Like(TestDatabase own)
    {
        await using var find = own.Cluster.Admin.CreateCommand("select datname from pg_database where datname like $1");
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = own.Name + "\\_%" });
        var names = new List<string>();
        await using var reader = await find.ExecuteReaderAsync(CancellationToken.None);
        while (await reader.ReadAsync(CancellationToken.None))
        {
            names.Add(reader.GetString(0));
        }

        return names;
    }
}

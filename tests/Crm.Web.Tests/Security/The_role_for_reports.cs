using Npgsql;

namespace Crm.Web.Tests.Security;

/// <summary>S1-026: whoever connects a reporting tool to the database reads the read models, and nothing else.</summary>
public sealed class The_role_for_reports(TestHost host) : IClassFixture<TestHost>
{
    private const string Denied = "42501";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task reads_every_read_model()
    {
        var admin = await host.Admin();
        var last = (await admin.Post("/leads", """{"lastName":"Lovelace"}""")).Is(201).Position;
        (await admin.GetAfter(last, "/leads")).Is(200);
        var views = await Names("select 'crm_read.' || viewname from pg_views where schemaname = 'crm_read'");
        Assert.True(views.Count >= 9, string.Join(", ", views));
        foreach (var view in views)
        {
            await using var count = host.Database.Reporting.CreateCommand($"select count(*) from {view}");
            Assert.IsType<long>(await count.ExecuteScalarAsync(Ct));
        }
    }

    [Fact]
    public async Task reads_nothing_of_the_log_the_keys_or_the_passwords()
    {
        await host.Admin();
        var tables = await Names("select 'crm.' || tablename from pg_tables where schemaname = 'crm'");
        Assert.Contains("crm.mt_events", tables);
        Assert.Contains("crm.credentials", tables);
        foreach (var table in tables)
        {
            await using var read = host.Database.Reporting.CreateCommand($"select 1 from {table} limit 1");
            var refused = await Assert.ThrowsAsync<PostgresException>(() => read.ExecuteScalarAsync(Ct));
            Assert.True(refused.SqlState == Denied, $"{table}: {refused.MessageText}");
        }
    }

    [Fact]
    public async Task changes_nothing_and_makes_nothing()
    {
        var admin = await host.Admin();
        var last = (await admin.Post("/leads", """{"lastName":"Lovelace"}""")).Is(201).Position;
        (await admin.GetAfter(last, "/leads")).Is(200);
        foreach (var statement in new[]
        {
            "delete from crm_read.lead_board", "update crm_read.lead_board set score = 100", "create table crm_read.mine (id int)",
            "create table crm.mine (id int)", "create schema mine", "set role crm_app",
        })
        {
            await using var change = host.Database.Reporting.CreateCommand(statement);
            var refused = await Assert.ThrowsAsync<PostgresException>(() => change.ExecuteNonQueryAsync(Ct));
            Assert.True(refused.SqlState == Denied, $"{statement}: {refused.SqlState} {refused.MessageText}");
        }
    }

    private async Task<IReadOnlyList<string>> Names(string sql)
    {
        await using var ask = host.Database.Superuser.CreateCommand(sql);
        await using var rows = await ask.ExecuteReaderAsync(Ct);
        var names = new List<string>();
        while (await rows.ReadAsync(Ct))
        {
            names.Add(rows.GetString(0));
        }

        return names;
    }
}

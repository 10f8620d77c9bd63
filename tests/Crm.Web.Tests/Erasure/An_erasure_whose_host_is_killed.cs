using System.Text.Json;
using Crm.Testing;
using Crm.Web.Tests.Faults;
using Npgsql;

namespace Crm.Web.Tests.Erasure;

/// <summary><c>kill -9</c> of a host that has recorded an erasure and has rewritten nothing yet of what was read.</summary>
public sealed class An_erasure_whose_host_is_killed
{
    private const string Mark = "Quist4711ova";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task between_its_append_and_the_rewriting_leaves_nothing_once_the_host_is_up_again()
    {
        await using var host = await HostProcess.Start(Ct);
        await using var database = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(await host.Superuser(Ct)) { Pooling = false }.ConnectionString);
        var (lead, position) = await Known(host);
        await Eventually.IsTrue(() => Ask<bool>(database, $"select min(position) >= {position} from crm.projections"), Ct, Patience);

        long erased;
        await using (var hand = await database.OpenConnectionAsync(Ct))
        {
            // Nobody moves a checkpoint on, and so nobody rewrites a row, until the host is dead.
            await using var held = await hand.BeginTransactionAsync(Ct);
            await Run(hand, "lock table crm.projections in share mode");
            erased = await Post(host, $"leads/{lead}/erase", new { reason = "Article 17", requestedBy = "the person, by letter" });
            await host.Kill(Ct);
            await held.RollbackAsync(Ct);
        }

        await Eventually.IsTrue(
            () => Ask<bool>(
                database,
                """
                select count(*) = 0 from pg_stat_activity
                where datname = 'crm' and backend_type = 'client backend' and pid <> pg_backend_pid()
                """),
            Ct,
            Patience);
        Assert.Contains("crm_read.lead_timeline", await Holding(database), StringComparison.Ordinal);
        Assert.True(await Ask<bool>(database, $"select max(position) < {erased} from crm.projections"));

        await host.StartAgain(Ct);
        await Eventually.IsTrue(
            async () => JsonDocument.Parse(await Get(host, $"leads/{lead}/erasure")).RootElement.GetProperty("verified").GetBoolean(),
            Ct,
            Patience);
        await Eventually.IsTrue(() => Ask<bool>(database, $"select min(position) >= {erased} from crm.projections"), Ct, Patience);

        Assert.Equal("", await Holding(database));
        foreach (var path in new[]
        {
            $"leads/{lead}", $"leads/{lead}?version=1", $"leads/{lead}/history", $"leads/{lead}/timeline",
            $"audit/events?streamId={lead}&limit=200", "events?after=0&limit=200", $"leads?q={Mark}", "leads?archived=any&limit=200", $"leads?asOfPosition={erased - 1}&limit=200",
            "leads/export?format=ndjson&archived=any",
        })
        {
            Assert.DoesNotContain(Mark, await Get(host, path), StringComparison.OrdinalIgnoreCase);
        }
    }

    /// <summary>A lead of whom something is known, and the last position of its history.</summary>
    private static async Task<(Guid Lead, long Position)> Known(HostProcess host)
    {
        var lead = Guid.CreateVersion7();
        await Post(host, "leads", new
        {
            id = lead,
            firstName = $"F{Mark}",
            lastName = Mark,
            email = $"{Mark}@example.com",
            company = $"{Mark} Ltd",
            tags = new[] { Mark },
            externalId = $"K-{Mark}",
        });
        await Post(host, $"leads/{lead}/notes", new { text = $"{Mark} likes tea." });
        return (lead, await Post(host, $"leads/{lead}/disqualify", new { reason = $"{Mark} will not buy." }));
    }

    private static async Task<long> Post(HostProcess host, string path, object body)
    {
        using var answer = await host.Client.PostAsJsonAsync(path, body, Ct);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {await answer.Content.ReadAsStringAsync(Ct)}");
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("position").GetInt64();
    }

    private static async Task<string> Get(HostProcess host, string path)
    {
        using var answer = await host.Client.GetAsync(path, Ct);
        var text = await answer.Content.ReadAsStringAsync(Ct);
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {text}");
        return text;
    }

    /// <summary>The tables of the product, live or not, in which the person still stands.</summary>
    private static Task<string> Holding(NpgsqlDataSource database) => Ask<string>(
        database,
        $"""
        select coalesce(string_agg(regexp_replace(t.schemaname || '.' || t.tablename, '_b[0-9]+$', ''), ' ' order by t.tablename), '')
        from pg_tables t
        where t.schemaname in ('crm', 'crm_read') and (xpath('/row/c/text()', query_to_xml(
            format('select count(*) as c from %I.%I t where t::text ilike %L', t.schemaname, t.tablename, '%{Mark}%'),
            false, true, '')))[1]::text <> '0'
        """);

    private static async Task<T> Ask<T>(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Ct) ?? throw new InvalidOperationException("No row."));
    }

    private static async Task Run(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Ct);
    }
}

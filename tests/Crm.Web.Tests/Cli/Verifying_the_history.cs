using System.Text.Json;
using Crm.Testing;

namespace Crm.Web.Tests.Cli;

public sealed class Verifying_the_history(TestDatabase database) : IClassFixture<TestDatabase>, IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("crm-audit-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task is_done_from_the_tables_and_from_an_export_alone()
    {
        var (export, heads) = (Path.Combine(folder.FullName, "history.gz"), Path.Combine(folder.FullName, "heads"));
        Assert.Equal(0, (await Crm("seed", "--leads", "40")).Code);
        Assert.Equal(0, (await Crm("audit", "export", "--to", export)).Code);
        Assert.Equal(0, (await Crm("audit", "heads", "--to", heads)).Code);
        var key = (await Crm("audit", "key")).Output.Trim();

        var (code, output) = await Crm("verify", "--heads", heads, "--key", key, "--json");
        Assert.Equal(0, code);
        var events = JsonDocument.Parse(output).RootElement.GetProperty("events").GetInt64();
        Assert.True(events >= 40);

        // Without a database, without settings.
        Assert.Equal(0, (await Alone("verify", "--offline", export, "--key", key, "--heads", heads)).Code);
        var stranger = EventStore.Audit.NoteSigner.Create("stranger").PublicKey.ToString();
        Assert.Equal(1, (await Alone("verify", "--offline", export, "--key", stranger)).Code);
        Assert.Equal(2, (await Alone("verify", "--offline", export)).Code);
        Assert.Equal(2, (await Alone("verify", "--offline", export, "--key", "nonsense")).Code);
        Assert.Equal(1, (await Alone("verify", "--offline", heads, "--key", key)).Code);

        await Tamper(database, "update crm.mt_events set headers = jsonb_set(headers, '{actor}', '\"nobody\"') where seq_id = 7");
        (code, output) = await Crm("verify");
        Assert.Equal(1, code);
        Assert.Contains("Position 7 ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task answers_in_JSON_where_that_is_asked_for()
    {
        await using var own = await TestDatabase.Create();
        var (export, heads) = (Path.Combine(folder.FullName, "own"), Path.Combine(folder.FullName, "own-heads"));
        Assert.Equal(0, (await Run(own, ["seed", "--leads", "5"])).Code);
        var key = (await Run(own, ["audit", "key"])).Output.Trim();
        var exported = await Answer(own, "audit", "export", "--to", export, "--json");
        Assert.Equal((export, key), (exported.GetProperty("file").GetString(), exported.GetProperty("vkey").GetString()));
        Assert.True(exported.GetProperty("events").GetInt64() >= 5);

        var brought = await Answer(own, "audit", "heads", "--to", heads, "--json");
        Assert.Equal((heads, 1), (brought.GetProperty("file").GetString(), brought.GetProperty("added").GetInt32()));
        Assert.Equal(0, (await Answer(own, "audit", "heads", "--to", heads, "--json")).GetProperty("added").GetInt32());

        var keys = (await Answer(own, "audit", "rotate", "--json")).GetProperty("items");
        Assert.Equal((2, key), (keys.GetArrayLength(), keys[1].GetProperty("vkey").GetString()));
        Assert.NotEqual(key, keys[0].GetProperty("vkey").GetString());

        await Tamper(own, "update crm.mt_events set is_archived = true where seq_id = 3");
        var (code, output) = await Run(own, ["verify", "--json"]);
        Assert.Equal(1, code);
        Assert.Contains(
            JsonDocument.Parse(output).RootElement.GetProperty("findings").EnumerateArray(),
            static finding => finding.GetProperty("kind").GetString() == "changed" && finding.GetProperty("position").GetInt64() == 3);
    }

    [Fact]
    public async Task tells_what_is_gone_until_an_operator_has_the_tree_made_anew()
    {
        await using var own = await TestDatabase.Create();
        Assert.Equal(0, (await Run(own, ["seed", "--leads", "10"])).Code);
        var (code, output) = await Run(own, ["verify"]);
        Assert.Equal(0, code);
        Assert.Contains("signed by nobody yet", output, StringComparison.Ordinal);
        Assert.Contains("behind the log", output, StringComparison.Ordinal);
        Assert.DoesNotContain("as signed", output, StringComparison.Ordinal);

        Assert.Equal(0, (await Run(own, ["audit", "head"])).Code);
        (code, output) = await Run(own, ["verify"]);
        Assert.Equal(0, code);
        Assert.Contains("as signed", output, StringComparison.Ordinal);
        Assert.DoesNotContain("behind the log", output, StringComparison.Ordinal);

        await Tamper(own, "delete from crm.audit_tiles; delete from crm.audit_heads; delete from crm.audit_keys");
        (code, output) = await Run(own, ["verify", "--json"]);
        Assert.Equal(1, code);
        Assert.Equal("verified", JsonDocument.Parse(output).RootElement.GetProperty("findings")[0].GetProperty("kind").GetString());
        Assert.Equal(1, (await Run(own, ["audit", "head"])).Code);
        Assert.Equal(1, (await Run(own, ["verify"])).Code);

        Assert.Equal(0, (await Run(own, ["audit", "regrow"])).Code);
        Assert.Equal(0, (await Run(own, ["audit", "head"])).Code);
        (code, output) = await Run(own, ["verify"]);
        Assert.Equal(0, code);
        Assert.Contains("as signed", output, StringComparison.Ordinal);

        await Tamper(own, "update crm.mt_events set type = 'lead-lost' where seq_id = 7");
        await Tamper(own, "delete from crm.audit_tiles; delete from crm.audit_heads");
        Assert.Equal(1, (await Run(own, ["audit", "regrow"])).Code);
        Assert.Equal(1, (await Run(own, ["audit", "head"])).Code);
    }

    private static async Task<JsonElement> Answer(TestDatabase database, params string[] arguments)
    {
        var (code, output) = await Run(database, arguments);
        Assert.Equal(0, code);
        return JsonDocument.Parse(output).RootElement;
    }

    private static async Task Tamper(TestDatabase database, string sql)
    {
        await using var tamper = database.Superuser.CreateCommand(sql);
        await tamper.ExecuteNonQueryAsync(Ct);
    }

    private Task<(int Code, string Output)> Crm(params string[] arguments) => Run(database, arguments);

    private static Task<(int Code, string Output)> Alone(params string[] arguments) => Run(database: null, arguments);

    private static async Task<(int Code, string Output)> Run(TestDatabase? database, string[] arguments)
    {
        var (code, output, _) = await CrmProcess.Run(database, Ct, arguments);
        return (code, output);
    }
}

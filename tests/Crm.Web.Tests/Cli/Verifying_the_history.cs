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

        const string change = "update crm.mt_events set headers = jsonb_set(headers, '{actor}', '\"nobody\"') where seq_id = 7";
        await using (var tamper = database.Superuser.CreateCommand(change))
        {
            await tamper.ExecuteNonQueryAsync(Ct);
        }

        (code, output) = await Crm("verify");
        Assert.Equal(1, code);
        Assert.Contains("Position 7 ", output, StringComparison.Ordinal);
    }

    private Task<(int Code, string Output)> Crm(params string[] arguments) => Run(database, arguments);

    private static Task<(int Code, string Output)> Alone(params string[] arguments) => Run(database: null, arguments);

    private static async Task<(int Code, string Output)> Run(TestDatabase? database, string[] arguments)
    {
        var (code, output, _) = await CrmProcess.Run(database, Ct, arguments);
        return (code, output);
    }
}

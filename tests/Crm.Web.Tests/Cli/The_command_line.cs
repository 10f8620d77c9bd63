using System.Globalization;
using System.Text;
using System.Text.Json;
using Crm.Application;
using Crm.Testing;
using Npgsql;

namespace Crm.Web.Tests.Cli;

public sealed class The_command_line(TestDatabase database) : IClassFixture<TestDatabase>, IDisposable
{
    private const string Map =
        """
        {
          "source": "calls", "lead": "lead", "time": { "column": "at" }, "actor": { "column": "who" },
          "rules": [
            { "when": { "what": "new" }, "event": "captured" },
            { "when": { "what": "call" }, "event": "activity", "kind": "call", "direction": "out" },
            { "when": { "what": "take" }, "event": "assigned", "agent": { "column": "who" }, "onlyWhenOwnerDiffers": true }
          ]
        }
        """;

    private const string Then = "2026-01-01T00:00:00Z";

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("crm-cli-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Theory]
    [InlineData("--help")]
    [InlineData("import", "--help")]
    [InlineData("import", "history", "--help")]
    [InlineData("projections", "rebuild", "-h")]
    [InlineData("recover", "--help")]
    [InlineData("serve", "--help")]
    public async Task explains_itself(params string[] arguments)
    {
        var (code, output, _) = await CrmProcess.Run(null, Ct, arguments);

        Assert.Equal(0, code);
        Assert.Contains("Usage:", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("import", "history", "x.csv")]
    [InlineData("fly")]
    [InlineData("recover", "--to", "yesterday", "--into", "x")]
    [InlineData("projections", "rebuild")]
    [InlineData("projections", "rebuild", "nonsense")]
    [InlineData("seed", "--leads", "0")]
    public async Task does_not_understand_and_says_so(params string[] arguments)
    {
        var (code, output, error) = await CrmProcess.Run(null, Ct, arguments);

        Assert.Equal(2, code);
        Assert.Empty(output);
        Assert.NotEmpty(error);
    }

    [Theory]
    [InlineData("nope is no id of a lead", "leads", "restore", "019abc00-0000-7000-8000-000000000001", "nope", "--as-of", Then, "--reason", "x")]
    [InlineData("--reason is missing", "leads", "restore", "019abc00-0000-7000-8000-000000000001", "--as-of", Then)]
    [InlineData("--reason is missing", "undo", "--actor", "x")]
    [InlineData("--reason is missing", "undo", "--actor", "x", "--reason", " ")]
    [InlineData("exactly one of --actor", "undo", "--actor", "x", "--operation", "y", "--reason", "x")]
    [InlineData("--to lies before --from", "undo", "--actor", "x", "--from", "2026-01-02T00:00:00Z", "--to", Then, "--reason", "x")]
    [InlineData("lies before --from", "diff", "--from", "2026-01-02T00:00:00Z", "--to", Then)]
    [InlineData("lies before --from", "diff", "--from", "2999-01-01T00:00:00Z")]
    [InlineData("--from yesterday is not a time", "diff", "--from", "yesterday")]
    [InlineData("--to now is not a time", "undo", "--actor", "x", "--from", Then, "--to", "now", "--reason", "x")]
    [InlineData("'bad name;' is no name for a database", "recover", "--to", "1", "--into", "bad name;")]
    [InlineData("'bad name;' is no name for a database", "restore", "--from", "x", "--into", "bad name;")]
    [InlineData("'Bad' is no name for a database", "switch", "Bad")]
    public async Task names_what_cannot_be_meant(string says, params string[] arguments)
    {
        var (code, output, error) = await CrmProcess.Run(null, Ct, arguments);

        Assert.Equal((2, ""), (code, output));
        Assert.Contains(says, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task recovers_nothing_from_the_future()
    {
        var (code, _, error) = await CrmProcess.Run(database, Ct, "recover", "--to", "2999-01-01T00:00:00Z", "--into", "crm_future");

        Assert.Equal(3, code);
        Assert.Contains("lies in the future", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task names_the_place_in_a_map_that_is_wrong()
    {
        var (code, _, error) = await CrmProcess.Run(
            database, Ct, "import", "history", Write("x.csv", "lead,at\n"), "--map", Write("map.json", """{"lead": "lead", "time": {"column": "when"}}"""));

        Assert.Equal(2, code);
        Assert.Contains("$.time.column", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task fails_with_a_message_where_the_file_is_missing()
    {
        var (code, _, error) = await CrmProcess.Run(database, Ct, "import", "leads", Path.Combine(folder.FullName, "none.csv"));

        Assert.Equal(1, code);
        Assert.Contains("none.csv", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task seeds_rescores_rebuilds_and_recovers()
    {
        await using var own = await TestDatabase.Create();

        var (code, seeded, _) = await CrmProcess.Run(own, Ct, "seed", "--leads", "50", "--seed", "3", "--json");
        Assert.Equal(0, code);
        Assert.Equal(50, JsonDocument.Parse(seeded).RootElement.GetProperty("addedLeads").GetInt32());
        (code, var rescored, _) = await CrmProcess.Run(own, Ct, "rescore", "--json");
        var scores = JsonDocument.Parse(rescored).RootElement;
        Assert.Equal((0, 50, 0), (code, scores.GetProperty("leads").GetInt32(), scores.GetProperty("changed").GetInt32()));
        (code, var rebuilt, _) = await CrmProcess.Run(own, Ct, "projections", "rebuild", "lead_board");
        Assert.Equal(0, code);
        Assert.Contains("lead_board: 50 rows", rebuilt, StringComparison.Ordinal);
        (code, var listed, _) = await CrmProcess.Run(own, Ct, "projections", "list", "--json");
        Assert.Equal(0, code);
        Assert.Equal("lead_board", JsonDocument.Parse(listed).RootElement[0].GetProperty("name").GetString());

        var target = $"{own.Name}_r";
        try
        {
            (code, var recovered, _) = await CrmProcess.Run(own, Ct, "recover", "--to", "100", "--into", target, "--json");
            Assert.Equal(0, code);
            Assert.True(JsonDocument.Parse(recovered).RootElement.GetProperty("verified").GetBoolean());
            (code, _, var refused) = await CrmProcess.Run(own, Ct, "recover", "--to", "100", "--into", target);
            Assert.Equal(3, code);
            Assert.Contains("not empty", refused, StringComparison.Ordinal);
        }
        finally
        {
            await EventStore.LocalPostgres.DatabaseAdmin.DropDatabase(own.Cluster.Admin, target, CancellationToken.None);
        }
    }

    [Fact]
    public async Task imports_the_same_however_often_it_is_killed()
    {
        var (file, map) = (Write("long.csv", LongFile(40_000)), Write("map.json", Map));
        await using var whole = await TestDatabase.Create();
        var (code, _, _) = await CrmProcess.Run(whole, Ct, "import", "history", file, "--map", map, "--rejected", Path.Combine(folder.FullName, "whole.csv"));
        Assert.Equal(4, code);

        await using var killed = await TestDatabase.Create();
        string[] arguments = ["import", "history", file, "--map", map, "--json", "--rejected", Path.Combine(folder.FullName, "killed.csv")];
        for (var kill = 1; kill <= 3; kill++)
        {
            var before = await Events(killed);
            using var import = CrmProcess.Start(killed, arguments);
            await Eventually.IsTrue(async () => await Events(killed) > before, Ct, TimeSpan.FromSeconds(60));
            import.Kill();
            await import.End(Ct);
        }

        var (again, report, _) = await CrmProcess.Run(killed, Ct, arguments);

        Assert.Equal(4, again);
        Assert.Equal(40_000, JsonDocument.Parse(report).RootElement.GetProperty("totals").GetProperty("rows").GetInt32());
        Assert.Equal(await whole.HistoryDigest(EventJson.Catalog, Ct), await killed.HistoryDigest(EventJson.Catalog, Ct));
        Assert.Equal(await Rejected("whole.csv"), await Rejected("killed.csv"));
    }

    [Fact]
    public async Task stops_at_ctrl_c_and_says_how_to_go_on()
    {
        await using var own = await TestDatabase.Create();
        var (file, map) = (Write("long.csv", LongFile(200_000)), Write("map.json", Map));
        using var import = CrmProcess.Start(own, "import", "history", file, "--map", map, "--rejected", Path.Combine(folder.FullName, "stopped.csv"));
        await Eventually.IsTrue(async () => await Events(own) > 0, Ct, TimeSpan.FromSeconds(60));

        await import.Interrupt(Ct);
        var (code, _, error) = await import.End(Ct);

        Assert.Equal(130, code);
        Assert.Contains("goes on where it stopped", error, StringComparison.Ordinal);
        Assert.Equal(await One<long>(own, "select coalesce(max(seq_id), 0) from crm.mt_events"), await Events(own));
    }

    private string Write(string name, string content)
    {
        var path = Path.Combine(folder.FullName, name);
        File.WriteAllText(path, content);
        return path;
    }

    private Task<string> Rejected(string name) => File.ReadAllTextAsync(Path.Combine(folder.FullName, name), Ct);

    private static Task<long> Events(TestDatabase database) => One<long>(database, "select count(*) from crm.mt_events");

    private static async Task<T> One<T>(TestDatabase database, string sql)
    {
        await using var command = new NpgsqlCommand(sql, await database.Superuser.OpenConnectionAsync(Ct));
        await using var connection = command.Connection;
        return (T)(await command.ExecuteScalarAsync(Ct) ?? throw new InvalidOperationException("No row."));
    }

    private static string LongFile(int rows)
    {
        var text = new StringBuilder("lead,what,who,at\n");
        var start = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);
        for (var row = 0; row < rows; row++)
        {
            var (lead, step) = (row / 10, row % 10);
            var what = step switch { 0 => "new", 4 => "take", 9 => "take", _ => "call" };
            var at = row % 1_000 == 999 ? "never" : start.AddMinutes(row).ToString("O", CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $"L{lead},{what},agent {(lead + step) % 5},{at}\n");
        }

        return text.ToString();
    }
}

using System.Security.Cryptography;
using System.Text.Json;
using Crm.Application;
using Crm.Application.Drill;
using Crm.Application.Seeding;
using Crm.EventStore.Audit;
using Crm.EventStore.Log;
using Crm.Testing;
using Npgsql;

namespace Crm.Web.Tests.Cli;

public sealed class Drilling_recovery(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("crm-cli-drill-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Archive => Path.Combine(folder.FullName, "archive");

    private string Reports => Path.Combine(folder.FullName, "reports");

    public async ValueTask InitializeAsync()
    {
        await using var log = new EventLog(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        await LeadSeed.To(log, 60, seed: 5, Now, progress: null, Ct);
        var (code, _, error) = await CrmProcess.Run(database, Ct, "backup", "--to", Archive, "--segment", "100");
        Assert.True(code == 0, error);
    }

    public ValueTask DisposeAsync()
    {
        folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task passes_with_a_signed_report_of_each_step_and_leaves_nothing()
    {
        var (code, output, error) = await CrmProcess.Run(database, Ct, "drill", "--from", Archive, "--report", Reports, "--json");

        Assert.True(code == 0, output + error);
        Assert.All(
            Directory.GetFiles(Reports),
            static file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        var steps = JsonDocument.Parse(output).RootElement.GetProperty("steps").EnumerateArray().ToList();
        Assert.Equal(
            [
                "read the archive's manifest", "age of the archive", "check every file of the archive", "restore the archive",
                "read models are gone", "an event is corrupted", "a range of events is deleted", "the node is lost", "capture a lead",
                "claim an unassigned lead", "log an activity", "see them in the read models", "calendar",
            ],
            steps.Select(static step => step.GetProperty("name").GetString()));
        foreach (var step in steps)
        {
            var name = step.GetProperty("name").GetString();
            var isThere = name is not "calendar";
            Assert.Equal(isThere ? JsonValueKind.True : JsonValueKind.Null, step.GetProperty("passed").ValueKind);
            Assert.True(step.GetProperty("seconds").GetDouble() > 0 || !isThere || name is "age of the archive", name);
            Assert.NotEmpty(step.GetProperty("says").GetString() ?? "");
        }

        var json = Assert.Single(Directory.GetFiles(Reports, "*.json"));
        var html = Path.ChangeExtension(json, ".html");
        var note = SignedNote.Parse(await File.ReadAllTextAsync(Path.ChangeExtension(json, ".note"), Ct));
        await using (var connection = await database.App.OpenConnectionAsync(Ct))
        {
            Assert.True(note.IsSignedBy((await AuditKeys.List(connection, Ct))[^1].Public));
        }

        Assert.Equal($"crm drill\npassed\n{await Line(json)}{await Line(html)}", note.Text);
        var page = await File.ReadAllTextAsync(html, Ct);
        Assert.DoesNotContain("<script", page, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("the root of the audit tree is the archive&#x27;s", page, StringComparison.Ordinal);
        Assert.Equal(0, await Left());
    }

    [Fact]
    public async Task fails_of_a_damaged_archive_and_names_the_damage_also_where_there_is_no_database()
    {
        var second = Directory.GetFiles(Path.Combine(Archive, "log")).Order(StringComparer.Ordinal).ElementAt(1);
        var bytes = await File.ReadAllBytesAsync(second, Ct);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(second, bytes, Ct);
        var temporary = TestCluster.NewDataFolder();
        try
        {
            using var drill = CrmProcess.Start(
                database: null,
                [("CRM_MASTER_KEY", TestKeys.Text), ("CRM_DATA_DIR", Path.Combine(temporary, "none")), ("TMPDIR", temporary)],
                ["drill", "--from", Archive, "--report", Reports]);
            var (code, output, _) = await drill.End(Ct);

            Assert.Equal(1, code);
            Assert.Contains("(positions 101 to 200)", output, StringComparison.Ordinal);
            Assert.Contains("NOT SIGNED: there is no database of the settings", output, StringComparison.Ordinal);
            Assert.Empty(Directory.GetFiles(Reports, "*.note"));
            var json = Assert.Single(Directory.GetFiles(Reports, "*.json"));
            var report = JsonDocument.Parse(await File.ReadAllTextAsync(json, Ct)).RootElement;
            Assert.False(report.GetProperty("passed").GetBoolean());
            var last = report.GetProperty("steps").EnumerateArray().Last();
            Assert.Equal("check every file of the archive", last.GetProperty("name").GetString());
            Assert.Empty(Directory.GetDirectories(temporary, "crm-drill-*"));
            Assert.False(Directory.Exists(Path.Combine(temporary, "none")));
        }
        finally
        {
            Directory.Delete(temporary, recursive: true);
        }
    }

    [Fact]
    public async Task leaves_nothing_where_it_is_interrupted()
    {
        using var drill = CrmProcess.Start(database, "drill", "--from", Archive, "--report", Reports);
        await Eventually.IsTrue(async () => drill.HasEnded || await Left() > 0, Ct, TimeSpan.FromSeconds(60));
        await drill.Interrupt(Ct);
        var (code, _, error) = await drill.End(Ct);

        Assert.True(code == 130, error);
        Assert.Equal(0, await Left());
        Assert.False(Directory.Exists(Reports));
    }

    private static async Task<string> Line(string file) =>
        $"{Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(file, Ct)))}  {Path.GetFileName(file)}\n";

    private async Task<long> Left()
    {
        await using var count = new NpgsqlCommand("select count(*) from pg_database where starts_with(datname, $1)")
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = DrillGround.Prefix } },
        };
        await using var connection = await database.Superuser.OpenConnectionAsync(Ct);
        count.Connection = connection;
        return (long)(await count.ExecuteScalarAsync(Ct) ?? 0L);
    }
}

using System.Text.Json;
using Crm.Application;
using Crm.Application.Recovery;
using Crm.Application.Seeding;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.Testing;
using Npgsql;

namespace Crm.Web.Tests.Cli;

public sealed class Archives_on_the_command_line(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("crm-cli-archive-");
    private readonly List<string> targets = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Archive => Path.Combine(folder.FullName, "archive");

    public async ValueTask InitializeAsync()
    {
        await using var log = new EventLog(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        await LeadSeed.To(log, 1_000, seed: 11, Now, progress: null, Ct);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var target in targets)
        {
            await DatabaseAdmin.DropDatabase(database.Cluster.Admin, target, CancellationToken.None);
        }

        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task are_whole_and_restore_to_the_same_however_often_both_are_killed()
    {
        string[] backup = ["backup", "--to", Archive, "--segment", "50", "--json"];
        foreach (var segments in new[] { 2, 60, 110 })
        {
            using var running = CrmProcess.Start(database, backup);
            await Eventually.IsTrue(() => Task.FromResult(running.HasEnded || Segments() >= segments), Ct, TimeSpan.FromSeconds(60));
            running.Kill();
            await running.End(Ct);
        }

        var (code, archived, error) = await CrmProcess.Run(database, Ct, backup);
        Assert.True(code == 0, error);
        var events = JsonDocument.Parse(archived).RootElement.GetProperty("position").GetInt64();
        (code, var check, error) = await CrmProcess.Run(null, Ct, "archive", "check", Archive, "--json");
        Assert.True(code == 0, error);
        Assert.True(JsonDocument.Parse(check).RootElement.GetProperty("isWhole").GetBoolean());

        var target = Target();
        string[] restore = ["restore", "--from", Archive, "--into", target, "--json"];
        foreach (var loaded in new[] { 1, 70 })
        {
            using var running = CrmProcess.Start(database, restore);
            await Eventually.IsTrue(async () => running.HasEnded || await Loaded(target) >= loaded, Ct, TimeSpan.FromSeconds(60));
            running.Kill();
            await running.End(Ct);
        }

        (code, var restored, error) = await CrmProcess.Run(database, Ct, restore);
        Assert.True(code == 0, error);
        Assert.True(JsonDocument.Parse(restored).RootElement.GetProperty("verified").GetBoolean());
        await using var copy = NpgsqlDataSource.Create(database.Cluster.Superuser(target));
        Assert.Equal(await LogDigest.Of(database.App, events, Ct), await LogDigest.Of(copy, events, Ct));
        (code, _, error) = await CrmProcess.Run(database, Ct, restore);
        Assert.Equal(3, code);
        Assert.Contains("not empty", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task that_are_damaged_are_named_and_nothing_is_restored()
    {
        var key = Path.Combine(folder.FullName, "archive.key");
        await File.WriteAllTextAsync(key, Convert.ToBase64String([.. Enumerable.Range(1, 32).Select(static each => (byte)each)]) + "\n", Ct);
        var (code, _, error) = await CrmProcess.Run(
            database, Ct, "backup", "--to", Archive, "--encrypt-key", key, "--segment", "1000", "--keys-to", Path.Combine(folder.FullName, "apart"));
        Assert.True(code == 0, error);
        var second = Directory.GetFiles(Path.Combine(Archive, "log")).Order(StringComparer.Ordinal).ElementAt(1);
        var bytes = await File.ReadAllBytesAsync(second, Ct);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(second, bytes, Ct);
        string[] keys = ["--key", key, "--keys-from", Path.Combine(folder.FullName, "apart")];

        (code, var said, _) = await CrmProcess.Run(null, Ct, ["archive", "check", Archive, .. keys]);
        var (restoring, _, why) = await CrmProcess.Run(database, Ct, ["restore", "--from", Archive, "--into", Target(), .. keys]);

        Assert.Equal((1, 1), (code, restoring));
        Assert.Contains("positions 1001 to 2000", said, StringComparison.Ordinal);
        Assert.Contains("good up to position 1,000", said, StringComparison.Ordinal);
        Assert.Contains("positions 1001 to 2000", why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task that_are_not_encrypted_are_not_called_damaged_because_a_key_was_named()
    {
        var key = Path.Combine(folder.FullName, "archive.key");
        await File.WriteAllTextAsync(key, Convert.ToBase64String(new byte[32]), Ct);
        var (code, _, error) = await CrmProcess.Run(database, Ct, "backup", "--to", Archive);
        Assert.True(code == 0, error);

        (code, var output, error) = await CrmProcess.Run(null, Ct, "archive", "check", Archive, "--key", key);

        Assert.Equal((3, ""), (code, output));
        Assert.StartsWith("Refused: The archive is not encrypted, and a key was named.", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("csv")]
    [InlineData("ndjson")]
    public async Task are_not_exports_which_hold_every_lead_agent_activity_and_note(string format)
    {
        var (built, _, fault) = await CrmProcess.Run(database, Ct, "projections", "rebuild", "lead_board");
        Assert.True(built == 0, fault);

        var (code, output, error) = await CrmProcess.Run(database, Ct, "export", "--to", folder.FullName, "--format", format, "--json");

        Assert.True(code == 0, error);
        var rows = JsonDocument.Parse(output).RootElement.GetProperty("rows");
        await using var counts = database.App.CreateCommand(
            """
            select count(*) filter (where type = 'lead-captured'), count(*) filter (where type = 'user-registered'),
                count(*) filter (where type = 'lead-activity-logged'), count(*) filter (where type = 'lead-note-added')
            from crm.mt_events
            """);
        await using var held = await counts.ExecuteReaderAsync(Ct);
        await held.ReadAsync(Ct);
        foreach (var (name, column) in new[] { ("leads", 0), ("agents", 1), ("activities", 2), ("notes", 3) })
        {
            var file = Path.Combine(folder.FullName, $"{name}.{format}");
            Assert.Equal(held.GetInt64(column), rows.GetProperty(name).GetInt64());
            Assert.True(held.GetInt64(column) > 0, name);
            var first = (await File.ReadAllTextAsync(file, Ct)).Split('\n')[0];
            Assert.StartsWith(format is "csv" ? "id," : "{\"id\":", first, StringComparison.Ordinal);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }

    [Theory]
    [InlineData(2, "backup")]
    [InlineData(2, "export", "--to", "x", "--format", "xml")]
    [InlineData(2, "backup", "--to", "x", "--segment", "0")]
    [InlineData(2, "archive", "prune", "x", "--keep-days", "0")]
    [InlineData(3, "archive", "check", "/nonexistent/archive")]
    public async Task are_asked_for_in_words_that_make_sense(int expected, params string[] arguments)
    {
        var (code, _, error) = await CrmProcess.Run(null, Ct, arguments);

        Assert.Equal(expected, code);
        Assert.NotEmpty(error);
    }

    private int Segments() =>
        Directory.Exists(Path.Combine(Archive, "log")) ? Directory.GetFiles(Path.Combine(Archive, "log"), "*.ndjson.gz").Length : 0;

    private string Target()
    {
        targets.Add($"{database.Name}_r{targets.Count}");
        return targets[^1];
    }

    private async Task<long> Loaded(string target)
    {
        try
        {
            await using var connection = new NpgsqlConnection(database.Cluster.Superuser(target) + ";Pooling=false");
            await connection.OpenAsync(Ct);
            await using var count = new NpgsqlCommand("select count(*) from crm_recovery.segments", connection);
            return (long)(await count.ExecuteScalarAsync(Ct) ?? 0L);
        }
        catch (PostgresException)
        {
            // The database, or its table, is not there yet.
            return 0;
        }
    }
}

using System.Diagnostics;
using System.Text.Json;
using Crm.Application;
using Crm.Application.Seeding;
using Crm.EventStore.Archives;
using Crm.EventStore.Log;
using Crm.Testing;
using EventLog = Crm.EventStore.Log.EventLog;

namespace Crm.Web.Tests.Cli;

/// <summary>What timers run, <c>ops/backup</c> and <c>ops/export</c>, as they run it, with the host that was built for the tests.</summary>
public sealed class Archives_by_the_clock(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private const int Refused = 3;
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("crm-clock-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Folders => Path.Combine(folder.FullName, "archives");

    private string Inherited => Path.Combine(folder.FullName, "inherited");

    private string CarriedAway => Path.Combine(folder.FullName, "carried-away");

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(Folders);
        await Program("dotnet", "$*", """PATH="$REAL_PATH" exec dotnet "$@" """);
        await Program("offsite", "offsite", $"""printf '%s\n' "$1" >>{CarriedAway}""");
        await Seed(seed: 3);
    }

    public ValueTask DisposeAsync()
    {
        folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task grow_by_what_came_since_and_nothing_that_is_started_keeps_the_lock()
    {
        await Done("ops/backup");
        var (first, begun) = await TheArchive();
        await Seed(seed: 4);
        await Done("ops/backup");
        var (second, grown) = await TheArchive();

        Assert.Equal(first, second);
        Assert.Equal("weekly\n", await File.ReadAllTextAsync(Path.Combine(second, "kind"), Ct));
        var (before, after) = (begun.GetProperty("lastPosition").GetInt64(), grown.GetProperty("lastPosition").GetInt64());
        Assert.True(before < after);
        Assert.Equal(await LastPosition(), after);
        Assert.Equal([before, after], grown.GetProperty("runs").EnumerateArray().Select(static run => run.GetProperty("position").GetInt64()));
        Assert.Contains(
            before + 1, grown.GetProperty("segments").EnumerateArray().Select(static segment => segment.GetProperty("first").GetInt64()));
        Assert.Equal([first, first], await File.ReadAllLinesAsync(CarriedAway, Ct));
        Assert.False(File.Exists(Inherited), File.Exists(Inherited) ? await File.ReadAllTextAsync(Inherited, Ct) : "");
    }

    [Theory]
    [InlineData("ops/backup", "Another backup")]
    [InlineData("ops/export", "Another export")]
    public async Task are_made_by_one_at_a_time(string script, string says)
    {
        var (code, _, error) = await Run("flock", Path.Combine(Folders, ".lock"), Path.Combine(Repository.Root, script));

        Assert.Equal(Refused, code);
        Assert.Contains(says, error, StringComparison.Ordinal);
        Assert.Equal([".lock"], Directory.GetFileSystemEntries(Folders).Select(Path.GetFileName));
    }

    [Fact]
    public async Task are_not_exports_which_are_made_each_day_and_kept_for_two_weeks()
    {
        var old = Directory.CreateDirectory(Path.Combine(Folders, "crm_export_20260101_0330")).FullName;
        await File.WriteAllTextAsync(Path.Combine(old, "kind"), "leads\n", Ct);
        var (built, _, fault) = await CrmProcess.Run(database, Ct, "projections", "rebuild", "lead_board");
        Assert.True(built == 0, fault);

        await Done("ops/export");

        var export = Assert.Single(Directory.GetDirectories(Folders));
        Assert.NotEqual(old, export);
        Assert.Equal("leads\n", await File.ReadAllTextAsync(Path.Combine(export, "kind"), Ct));
        Assert.Equal(
            ["activities.csv", "agents.csv", "kind", "leads.csv", "notes.csv"],
            Directory.GetFiles(export).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(export));
        Assert.False(File.Exists(Inherited));
    }

    [Fact]
    public async Task carry_configuration_along_encrypted_and_keys_go_another_way()
    {
        var (key, settings) = (Path.Combine(folder.FullName, "archive.key"), Path.Combine(folder.FullName, "settings.json"));
        await File.WriteAllTextAsync(key, Convert.ToBase64String(new byte[32]), Ct);
        await File.WriteAllTextAsync(settings, "Password=MARKED-as-secret", Ct);
        var keys = Path.Combine(folder.FullName, "keys");
        var start = Start(Path.Combine(Repository.Root, "ops/backup"));
        start.Environment["CRM_BACKUP_CONFIG"] = settings;
        var (code, _, error) = await Run(start);
        Assert.Equal(Refused, code);
        Assert.Contains("Configuration holds passwords", error, StringComparison.Ordinal);
        Directory.Delete(Assert.Single(Directory.GetDirectories(Folders)), recursive: true);

        start.Environment["CRM_BACKUP_KEY_FILE"] = key;
        start.Environment["CRM_BACKUP_KEYS_DIR"] = keys;
        start.Environment["CRM_BACKUP_KEYS_OFFSITE"] = Path.Combine(folder.FullName, "offsite");
        (code, var output, error) = await Run(start);
        Assert.True(code == 0, output + error);

        var archive = Assert.Single(Directory.GetDirectories(Folders));
        Assert.Equal([archive, Path.Combine(keys, Path.GetFileName(archive))], await File.ReadAllLinesAsync(CarriedAway, Ct));
        foreach (var file in Directory.GetFiles(archive, "*", SearchOption.AllDirectories))
        {
            Assert.True((await File.ReadAllBytesAsync(file, Ct)).AsSpan().IndexOf("MARKED"u8) < 0, file);
        }

        var taken = Path.Combine(folder.FullName, "taken");
        (code, output, error) = await CrmProcess.Run(null, Ct, "archive", "config", archive, "--key", key, "--to", taken);
        Assert.True(code == 0, output + error);
        Assert.Equal("Password=MARKED-as-secret", await File.ReadAllTextAsync(Path.Combine(taken, "settings.json"), Ct));
        Assert.False(File.Exists(Inherited));
    }

    [Fact]
    public async Task need_a_host_that_is_there()
    {
        var start = Start(Path.Combine(Repository.Root, "ops/backup"));
        start.Environment["CRM_HOST"] = Path.Combine(folder.FullName, "none.dll");

        var (code, _, error) = await Run(start);

        Assert.Equal(1, code);
        Assert.Contains("none.dll, and there is no such file", error, StringComparison.Ordinal);
    }

    private async Task<(string Folder, JsonElement Manifest)> TheArchive()
    {
        var archive = Assert.Single(Directory.GetDirectories(Folders));
        var manifest = await File.ReadAllTextAsync(Path.Combine(archive, ArchiveFolder.Manifest), Ct);
        return (archive, JsonDocument.Parse(manifest).RootElement);
    }

    private async Task Done(string script)
    {
        var (code, output, error) = await Run(Path.Combine(Repository.Root, script));
        Assert.True(code == 0, output + error);
    }

    private Task<(int Code, string Output, string Error)> Run(string program, params string[] arguments) => Run(Start(program, arguments));

    private static async Task<(int Code, string Output, string Error)> Run(ProcessStartInfo start)
    {
        using var process = Process.Start(start) ?? throw new InvalidOperationException("The process did not start.");
        var (output, error) = (process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        await process.WaitForExitAsync(Ct);
        return (process.ExitCode, await output, await error);
    }

    private ProcessStartInfo Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        var path = start.Environment["PATH"];
        (start.Environment["REAL_PATH"], start.Environment["PATH"]) = (path, $"{folder.FullName}:{path}");
        start.Environment["CRM_HOST"] = Path.Combine(AppContext.BaseDirectory, "crm.dll");
        start.Environment["CRM_BACKUP_DIR"] = start.Environment["CRM_EXPORT_DIR"] = Folders;
        start.Environment["CRM_BACKUP_OFFSITE"] = Path.Combine(folder.FullName, "offsite");
        start.Environment["ConnectionStrings__Crm"] = database.Cluster.Superuser(database.Name);
        start.Environment["CRM_MASTER_KEY"] = TestKeys.Text;
        return start;
    }

    /// <summary>A program that first says who it is if the lock of the script came down to it.</summary>
    private async Task Program(string name, string who, string body)
    {
        var path = Path.Combine(folder.FullName, name);
        var look = $"""[ ! -e "/proc/$$/fd/8" ] || printf '%s\n' "{who}" >>{Inherited}""";
        await File.WriteAllTextAsync(path, $"#!/usr/bin/env bash\n{look}\n{body}\n", Ct);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    private async Task Seed(int seed)
    {
        await using var log = new EventLog(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        await LeadSeed.To(log, 40, seed, Now, progress: null, Ct);
    }

    private async Task<long> LastPosition()
    {
        await using var log = new EventLog(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        return await log.LastPosition(Ct);
    }
}

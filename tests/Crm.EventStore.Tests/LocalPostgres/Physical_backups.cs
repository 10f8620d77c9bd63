using System.Diagnostics;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Tests.Log;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.EventStore.Tests.LocalPostgres;

/// <summary>Debian's pgbackrest on a cluster of the test's own, by the very scripts that operators run.</summary>
public sealed class Physical_backups : IDisposable
{
    private const string NotInstalled = "pgbackrest is not installed";

    private readonly List<string> folders = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => folders.ForEach(static folder => Directory.Delete(folder, recursive: true));

    [Fact]
    public async Task bring_the_log_back_as_it_stood_at_a_moment_and_up_to_its_end()
    {
        MustBeInstalled();
        await using var own = await TestCluster.StartOwn(durable: false, Ct);
        var (source, repository) = (own.Cluster, Folder());
        await Script(source.DataFolder, repository, "setup", "--restart");
        await Append(source, 40);
        await Script(source.DataFolder, repository, "backup", "full");
        await Append(source, 40);
        await Script(source.DataFolder, repository, "backup", "incr");
        await Append(source, 40);
        var moment = await Ask<string>(source.Superuser(), "select to_char(clock_timestamp(), 'YYYY-MM-DD HH24:MI:SS.USOF')");
        await Append(source, 40);
        await Ask<bool>(source.Superuser(), "select pg_switch_wal() is not null");
        await Eventually.IsTrue(
            () => Ask<bool>(source.Superuser(), "select last_archived_wal >= pg_walfile_name(pg_current_wal_lsn() - 16777216) from pg_stat_archiver"),
            Ct, TimeSpan.FromSeconds(60));

        await HoldsGaplessly(source.DataFolder, repository, 120, "--to", moment);
        await HoldsGaplessly(source.DataFolder, repository, 160, "--latest");
    }

    [Fact]
    public async Task that_could_not_be_restored_leave_nothing_behind_and_are_restored_into_the_same_folder_later()
    {
        MustBeInstalled();
        await using var own = await TestCluster.StartOwn(durable: false, Ct);
        var (source, repository, folder) = (own.Cluster, Folder(), Folder());
        var fresh = Path.Combine(folder, "fresh");
        await Script(source.DataFolder, repository, "setup", "--restart");

        var (code, none) = await Run(source.DataFolder, repository, "restore", fresh, "--latest");
        Assert.True(code == 1 && none.Contains("as empty as it was", StringComparison.Ordinal), none);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
        await Script(source.DataFolder, repository, "backup", "full");
        await Script(source.DataFolder, repository, "restore", fresh, "--latest");
        (code, var held) = await Run(source.DataFolder, repository, "restore", fresh, "--latest");

        Assert.True(code == 1 && held.Contains("holds a cluster already", StringComparison.Ordinal), held);
    }

    private async Task HoldsGaplessly(string from, string repository, long events, params string[] moment)
    {
        var folder = Folder();
        await Script(from, repository, "restore", [folder, .. moment]);
        var restored = await LocalCluster.Start(folder, new LocalClusterOptions { Durable = false }, NullLogger.Instance, Ct);
        try
        {
            Assert.Equal(events, await Ask<long>(restored.Superuser(), "select count(*) from crm.mt_events"));
            Assert.Equal(events, await Ask<long>(restored.Superuser(), "select max(seq_id) from crm.mt_events"));
            await Append(restored, 1);
            Assert.Equal(events + 1, await Ask<long>(restored.Superuser(), "select max(seq_id) from crm.mt_events"));
        }
        finally
        {
            restored.Abandon();
        }
    }

    private static async Task Append(LocalCluster cluster, int events)
    {
        await using var app = NpgsqlDataSource.Create(cluster.App());
        await using var log = Notes.Open(app);
        for (var each = 0; each < events; each++)
        {
            await log.Append(Notes.Append(Guid.CreateVersion7(), 0, "a note"), Ct).Appended();
        }
    }

    private static async Task<T> Ask<T>(string login, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(login) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(Ct);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(Ct) ?? throw new InvalidOperationException("No row."));
    }

    private static async Task Script(string dataFolder, string repository, string script, params string[] arguments)
    {
        var (code, said) = await Run(dataFolder, repository, script, arguments);
        Assert.True(code == 0, $"{script} {string.Join(' ', arguments)}: {said}");
    }

    private static async Task<(int Code, string Said)> Run(string dataFolder, string repository, string script, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(Repository.Root, "ops", "pgbackrest", script), arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["CRM_DATA_DIR"] = dataFolder;
        start.Environment["CRM_PGBACKREST_REPO"] = repository;
        using var process = Process.Start(start) ?? throw new InvalidOperationException("No bash.");
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        await process.WaitForExitAsync(Ct);
        return (process.ExitCode, await output + await errors);
    }

    /// <summary>Left out where it cannot be had; where continuous integration installs it, its absence is a failure.</summary>
    private static void MustBeInstalled()
    {
        var there = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(static folder => File.Exists(Path.Combine(folder, "pgbackrest")));
        if (!there && Environment.GetEnvironmentVariable("CI") is not { Length: > 0 })
        {
            Assert.Skip(NotInstalled);
        }

        Assert.True(there, NotInstalled);
    }

    private string Folder()
    {
        folders.Add(TestCluster.NewDataFolder());
        return folders[^1];
    }
}

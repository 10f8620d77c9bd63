using Crm.Application.Recovery;
using Crm.Application.Seeding;
using Crm.EventStore.Archives;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.Projections;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.Application.Tests.Archives;

/// <summary>A log with some leads, a folder for its archive, and databases to restore it into.</summary>
public class ArchiveStage : IAsyncLifetime
{
    protected const int SegmentEvents = 100;

    protected static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("crm-archive-");
    private readonly List<CrmDatabase> targets = [];
    private readonly List<string> names = [];
    private EventLog? log;

    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    protected TestDatabase Source { get; } = new();

    protected EventLog Log => log ?? throw new InvalidOperationException("The log is made before each test.");

    protected string Root => folder.FullName;

    protected ArchiveFolder Folder => ArchiveFolder.At(Path.Combine(Root, "archive"), keys: null);

    public virtual async ValueTask InitializeAsync()
    {
        await Source.InitializeAsync();
        log = new EventLog(Source.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        await LeadSeed.To(log, 60, seed: 7, Now, progress: null, Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        await Source.DisposeAsync();
        foreach (var target in targets)
        {
            await target.DisposeAsync();
        }

        var cluster = await TestCluster.Shared;
        foreach (var name in names)
        {
            await DatabaseAdmin.DropDatabase(cluster.Admin, name, CancellationToken.None);
        }

        folder.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Archives what the log holds now.</summary>
    protected Task<BackupReport> Backup(ArchiveKey? key = null, ArchiveFolder? to = null, IProgress<double>? progress = null, CancellationToken? ct = null) =>
        new LogBackup(Source.App, to ?? Folder, key, TimeProvider.System) { SegmentEvents = SegmentEvents }.Run(progress, ct ?? Ct);

    /// <summary>Restores the archive.</summary>
    protected Task<RestoreReport> Restore(
        CrmDatabase target, RestoreRequest? request = null, ArchiveKey? key = null, ArchiveFolder? from = null,
        IProgress<RecoveryProgress>? progress = null, CancellationToken? ct = null) =>
        new ArchiveRecovery(
            from ?? Folder, key, target.Owner ?? target.App, target.App, TestKeys.Masters, ProjectionList.All, TimeProvider.System,
            NullLoggerFactory.Instance)
            .Run(request ?? RestoreRequest.Everything, progress, ct ?? Ct);

    /// <summary>An empty database.</summary>
    protected async Task<CrmDatabase> Target()
    {
        var name = $"{Source.Name}_r{names.Count}";
        names.Add(name);
        await DatabaseAdmin.CreateDatabase(Source.Cluster.Admin, name, template: null, Ct);
        targets.Add(await CrmDatabase.External(
            Source.Cluster.Superuser(name), owner: null, new DataSourceSettings { MaxConnections = 20 }, Ct));
        return targets[^1];
    }

    /// <summary>The files of the archive that are segments, in order.</summary>
    protected IReadOnlyList<string> Segments() => [.. Directory.GetFiles(Path.Combine(Folder.Root, "log")).Order(StringComparer.Ordinal)];

    protected static async Task<T> One<T>(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Ct) ?? throw new InvalidOperationException("No row."));
    }

    protected static async Task Execute(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Ct);
    }

    /// <summary>Stops the work as soon as it reports a step, or a fraction.</summary>
    protected sealed class StoppingAt(Func<RecoveryProgress, bool> when, CancellationTokenSource stop)
        : IProgress<RecoveryProgress>, IProgress<double>
    {
        public void Report(RecoveryProgress value)
        {
            if (when(value))
            {
                stop.Cancel();
            }
        }

        public void Report(double value) => Report(new RecoveryProgress("", value));
    }
}

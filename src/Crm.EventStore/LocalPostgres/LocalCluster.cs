using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.EventStore.LocalPostgres;

/// <summary>
/// The product's own PostgreSQL: a cluster in the data folder, on a free port of loopback and a socket in a folder of its own,
/// with the product's roles and its database. Further hosts and verbs on the same data folder attach to it; the last one that uses
/// it stops it. One that a killed host left behind is taken over.
/// </summary>
public sealed partial class LocalCluster : IAsyncDisposable
{
    /// <summary>The database of the product.</summary>
    public const string MainDatabase = "crm";

    private readonly ClusterFiles files;
    private readonly LocalClusterOptions options;
    private readonly FileStream use;
    private readonly ServerControl? control;
    private readonly FileStream? hold;
    private readonly RolePasswords passwords;
    private readonly NpgsqlDataSource admin;
    private readonly ILogger logger;

    private LocalCluster(
        ClusterFiles files,
        LocalClusterOptions options,
        FileStream use,
        (ServerControl Control, FileStream Hold)? ownership,
        ClusterFiles.RunningServer server,
        RolePasswords passwords,
        ILogger logger)
    {
        this.files = files;
        this.options = options;
        this.use = use;
        (control, hold) = (ownership?.Control, ownership?.Hold);
        this.passwords = passwords;
        this.logger = logger;
        Port = server.Port;
        SocketFolder = server.Socket;
        admin = ClusterSetUp.Admin(server);
    }

    /// <summary>True when this host started the server or took it over; false when it attached to another host's.</summary>
    public bool IsOwner => hold is not null;

    /// <summary>The product's data folder.</summary>
    public string DataFolder => files.DataFolder;

    /// <summary>The port on 127.0.0.1, and in the name of the socket.</summary>
    public int Port { get; }

    /// <summary>The folder of the socket, which only the data's owner can enter.</summary>
    public string SocketFolder { get; }

    /// <summary>The server's process; null when it does not run.</summary>
    public int? ProcessId => files.Running()?.Process;

    /// <summary>Starts the cluster of a data folder, makes it at first, or attaches to the one that another host runs.</summary>
    /// <param name="dataFolder">The product's data folder; made when it is missing.</param>
    /// <param name="options">How the server is run.</param>
    /// <param name="logger">Told about start, take-over and stop.</param>
    /// <param name="ct">Gives up waiting.</param>
    /// <exception cref="LocalPostgresException">It cannot be started; the message says why and what to do.</exception>
    public static async Task<LocalCluster> Start(string dataFolder, LocalClusterOptions options, ILogger logger, CancellationToken ct)
    {
        var files = new ClusterFiles(dataFolder);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(options.StartTimeout);
        try
        {
            Directory.CreateDirectory(files.DataFolder);
            while (true)
            {
                if (ClusterLocks.TryUse(files) is { } use)
                {
                    if (await TryRunOrAttach(files, options, use, logger, deadline.Token) is { } cluster)
                    {
                        return cluster;
                    }

                    await use.DisposeAsync();
                }

                await Task.Delay(TimeSpan.FromMilliseconds(50), deadline.Token);
            }
        }
        catch (OperationCanceledException late) when (!ct.IsCancellationRequested)
        {
            throw new LocalPostgresException(
                $"The PostgreSQL of {files.Root} was not ready after {options.StartTimeout}. Its log is in {files.Data}/log.", late);
        }
        catch (UnauthorizedAccessException closed)
        {
            throw new LocalPostgresException($"{files.DataFolder} belongs to another user: set CRM_DATA_DIR to a folder of your own.", closed);
        }
    }

    /// <summary>
    /// Stops the server of a data folder that no host holds any more, without saving anything: for data that is thrown away.
    /// False when a host holds it.
    /// </summary>
    public static async Task<bool> TryAbandon(string dataFolder, CancellationToken ct)
    {
        var files = new ClusterFiles(dataFolder);
        await using var hold = ClusterLocks.TryControl(files);
        await using var alone = hold is null ? null : ClusterLocks.TryAlone(files);
        if (alone is null)
        {
            return false;
        }

        if (files.Running() is not null)
        {
            (await ServerControl.Prepare(files, new LocalClusterOptions { Durable = false }, ct)).StopNow();
        }

        return true;
    }

    /// <summary>The superuser's connection string for a database, through the socket.</summary>
    public string Superuser(string database = MainDatabase) => Through("postgres", password: null, database);

    /// <summary>The connection string of the role that migrates.</summary>
    public string Owner(string database = MainDatabase) => Through(DatabaseAdmin.OwnerRole, passwords.CrmOwner, database);

    /// <summary>The connection string of the role that the product runs as.</summary>
    public string App(string database = MainDatabase) => Through(DatabaseAdmin.AppRole, passwords.CrmApp, database);

    /// <summary>The connection string of the role for reports.</summary>
    public string Reporting(string database = MainDatabase) => Through(DatabaseAdmin.ReportingRole, passwords.CrmReporting, database);

    /// <summary>Makes a further database, empty or as a copy of one that nobody is connected to.</summary>
    public Task CreateDatabase(string name, string? template, CancellationToken ct) => DatabaseAdmin.CreateDatabase(admin, name, template, ct);

    /// <summary>Removes a database, and throws out whoever is connected to it.</summary>
    public Task DropDatabase(string name, CancellationToken ct) => DatabaseAdmin.DropDatabase(admin, name, ct);

    /// <summary>True when the cluster has a database of that name.</summary>
    public Task<bool> DatabaseExists(string name, CancellationToken ct) => DatabaseAdmin.DatabaseExists(admin, name, ct);

    /// <summary>Stops the server though the host goes on, as a failing database would; <see cref="StartServer"/> brings it back.</summary>
    public Task StopServer(CancellationToken ct) => Control().Stop(ct);

    /// <summary>Starts the server again on the same port and socket.</summary>
    public Task StartServer(CancellationToken ct) => Control().Start(Port, ct);

    /// <summary>Stops the server at once and without writing anything more: only for data that is thrown away.</summary>
    public void Abandon()
    {
        control?.StopNow();
        admin.Dispose();
        use.Dispose();
        hold?.Dispose();
    }

    /// <summary>Stops the server when nobody else uses it, waits until it is gone, and lets other hosts have the data.</summary>
    public async ValueTask DisposeAsync()
    {
        await admin.DisposeAsync();
        await use.DisposeAsync();
        switch (await ClusterLocks.EndUse(files, hold, StopForGood))
        {
            case EndOfUse.Stopped:
                LogStopped(logger, files.Root);
                break;
            case EndOfUse.LeftToUsers:
                LogLeft(logger, files.Root);
                break;
            case EndOfUse.LeftToHost:
                break;
        }
    }

    // No token: a host that is told to stop must still wait for its server.
    private async Task StopForGood()
    {
        if (control is not null || files.Running() is not null)
        {
            await (control ?? await ServerControl.Prepare(files, options, CancellationToken.None)).Stop(CancellationToken.None);
        }
    }

    private static async Task<LocalCluster?> TryRunOrAttach(
        ClusterFiles files, LocalClusterOptions options, FileStream use, ILogger logger, CancellationToken ct)
    {
        if (ClusterLocks.TryControl(files) is { } hold)
        {
            return await Run(files, options, use, hold, logger, ct);
        }

        if (files.Running() is not { Ready: true } server || await RolePasswords.Read(files.Passwords, ct) is not { } passwords)
        {
            return null;
        }

        LogAttached(logger, files.Root, server.Process);
        return new LocalCluster(files, options, use, ownership: null, server, passwords, logger);
    }

    private static async Task<LocalCluster> Run(
        ClusterFiles files, LocalClusterOptions options, FileStream use, FileStream hold, ILogger logger, CancellationToken ct)
    {
        try
        {
            var control = await ServerControl.Prepare(files, options, ct);
            if (files.Running() is { } left)
            {
                LogTakenOver(logger, files.Root, left.Process);
                await control.WaitUntilReady(ct);
            }
            else
            {
                await control.Start(ClusterSettings.LastPort(files.Data), ct);
            }

            var server = files.Running() ?? throw new LocalPostgresException($"PostgreSQL stopped right after its start. {control.LastWords()}");
            var passwords = await ClusterSetUp.Ensure(files, server, ct);
            LogStarted(logger, files.Root, server.Process, server.Port);
            return new LocalCluster(files, options, use, (control, hold), server, passwords, logger);
        }
        catch
        {
            await hold.DisposeAsync();
            await use.DisposeAsync();
            throw;
        }
    }

    private string Through(string user, string? password, string database) => new NpgsqlConnectionStringBuilder
    {
        Host = SocketFolder,
        Port = Port,
        Username = user,
        Password = password,
        Database = database,
    }.ConnectionString;

    private ServerControl Control() => control
        ?? throw new InvalidOperationException("Another host runs this server.");

    [LoggerMessage(1, LogLevel.Information, "PostgreSQL runs in {Folder} (process {Process}, 127.0.0.1:{Port})")]
    private static partial void LogStarted(ILogger logger, string folder, int process, int port);

    [LoggerMessage(2, LogLevel.Information, "Attached to the PostgreSQL of another host in {Folder} (process {Process})")]
    private static partial void LogAttached(ILogger logger, string folder, int process);

    [LoggerMessage(3, LogLevel.Warning, "Took over the PostgreSQL that a host which is gone left in {Folder} (process {Process})")]
    private static partial void LogTakenOver(ILogger logger, string folder, int process);

    [LoggerMessage(4, LogLevel.Information, "PostgreSQL in {Folder} has stopped")]
    private static partial void LogStopped(ILogger logger, string folder);

    [LoggerMessage(5, LogLevel.Information, "PostgreSQL in {Folder} stays: others use it, and the last of them stops it")]
    private static partial void LogLeft(ILogger logger, string folder);
}

using Crm.Application;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.EventStore.Schema;
using Crm.EventStore.Sealing;
using Crm.Web.Hosting;
using Crm.Web.Security;
using Npgsql;

namespace Crm.Web.Cli;

/// <summary>
/// The database that a verb works on: the one of the settings that the host reads too (<c>ConnectionStrings__Crm</c>,
/// <c>CRM_DATA_DIR</c>). The product's own server is attached to while a host runs it, and otherwise started for the verb alone.
/// </summary>
internal sealed class VerbDatabase : IAsyncDisposable
{
    /// <summary>How a verb connects.</summary>
    internal static readonly DataSourceSettings Pool = new()
    {
        ApplicationName = "crm verb",
        StatementTimeout = TimeSpan.FromMinutes(10),
    };

    private readonly LocalCluster? cluster;
    private readonly IConfiguration settings;
    private MasterKeys? masters;
    private EventLog? log;

    private VerbDatabase(CrmDatabase database, LocalCluster? cluster, IConfiguration settings)
    {
        Database = database;
        this.cluster = cluster;
        this.settings = settings;
    }

    /// <summary>The database's pools, one for each role.</summary>
    public CrmDatabase Database { get; }

    /// <summary>The master keys of the settings, which must be those that the database was sealed with.</summary>
    /// <exception cref="SettingMissingException">There are none.</exception>
    public MasterKeys Masters => masters ??= MasterKeySettings.Load(settings, IsProduction);

    /// <summary>The log.</summary>
    public EventLog Log => log ??= new EventLog(Database.App, EventJson.Catalog, Masters, new LogPosition());

    /// <summary>The settings.</summary>
    public IConfiguration Settings => settings;

    /// <summary>Whether this is Production; an environment that is not named is Development, as for the host.</summary>
    public bool IsProduction => IsProductionIn(settings);

    /// <summary>Whether settings are those of Production.</summary>
    public static bool IsProductionIn(IConfiguration settings) => string.Equals(
        settings["ASPNETCORE_ENVIRONMENT"] ?? settings["DOTNET_ENVIRONMENT"], Environments.Production, StringComparison.OrdinalIgnoreCase);

    /// <summary>Opens the database, and brings its schema up to date unless the verb itself does.</summary>
    public static async Task<VerbDatabase> Open(CancellationToken ct, bool migrate = true)
    {
        var settings = SecretFiles.ForVerbs();
        VerbDatabase opened;
        if (settings.GetConnectionString("Crm") is { Length: > 0 } given)
        {
            var external = await CrmDatabase.External(given, settings.GetConnectionString("CrmOwner"), Pool, ct);
            opened = new VerbDatabase(external, cluster: null, settings);
        }
        else
        {
            using var loggers = VerbLogging.Create();
            var cluster = await LocalCluster.Start(
                Path.GetFullPath(settings["CRM_DATA_DIR"] is { Length: > 0 } folder ? folder : ".data"),
                new LocalClusterOptions { BinFolder = settings["CRM_PG_BIN"] },
                loggers.CreateLogger<LocalCluster>(),
                ct);
            opened = new VerbDatabase(CrmDatabase.Local(cluster, Pool), cluster, settings);
        }

        try
        {
            if (migrate && opened.Database.Owner is { } owner)
            {
                await Migrations.Apply(owner, ct);
            }

            if (migrate && (!opened.IsProduction || MasterKeySettings.IsGiven(settings)))
            {
                await MasterKeyCheck.Demand(opened.Database.App, opened.Masters, ct);
            }

            return opened;
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    /// <summary>Opens another database on the same server, which is made where it is not there.</summary>
    public async Task<CrmDatabase> Beside(string name, CancellationToken ct)
    {
        if (cluster is not null)
        {
            if (!await cluster.DatabaseExists(name, ct))
            {
                await cluster.CreateDatabase(name, template: null, ct);
            }

            return CrmDatabase.Local(cluster, Pool, name);
        }

        var owner = Database.Owner ?? Database.App;
        if (!await DatabaseAdmin.DatabaseExists(owner, name, ct))
        {
            await DatabaseAdmin.CreateDatabase(owner, name, template: null, ct);
        }

        // The data sources hide their passwords: the logins come from the settings again.
        string? In(string? login) => login is null ? null : new NpgsqlConnectionStringBuilder(login) { Database = name }.ConnectionString;
        return await CrmDatabase.External(
            In(settings.GetConnectionString("Crm")) ?? throw new InvalidOperationException("A given database has a login."),
            In(settings.GetConnectionString("CrmOwner")),
            Pool,
            ct);
    }

    /// <summary>Whether there is another database of that name on the same server.</summary>
    public Task<bool> Exists(string name, CancellationToken ct) => cluster is not null
        ? cluster.DatabaseExists(name, ct)
        : DatabaseAdmin.DatabaseExists(Database.Owner ?? Database.App, name, ct);

    /// <summary>
    /// Removes another database on the same server, and throws out whoever is connected to it. One that is not there is no error.
    /// </summary>
    public Task Remove(string name) => cluster is not null
        ? cluster.DropDatabase(name, CancellationToken.None)
        : DatabaseAdmin.DropDatabase(Database.Owner ?? Database.App, name, CancellationToken.None);

    /// <summary>Lets go of every connection to the database, so that it can be renamed; they are made again when they are needed.</summary>
    public async Task LetGo()
    {
        if (log is not null)
        {
            await log.DisposeAsync();
            log = null;
        }

        foreach (var pool in new[] { Database.App, Database.Reads, Database.Owner, Database.Reporting })
        {
            pool?.Clear();
        }
    }

    /// <summary>Connections to the server itself and none of the product's databases, in the role that may rename those.</summary>
    public NpgsqlDataSource Administration()
    {
        var login = cluster?.Superuser("postgres") ?? settings.GetConnectionString("CrmOwner") ?? settings.GetConnectionString("Crm");
        return NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(login) { Database = "postgres", Pooling = false, CommandTimeout = 60 }.ConnectionString);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (log is not null)
        {
            await log.DisposeAsync();
        }

        await Database.DisposeAsync();
        if (cluster is not null)
        {
            await cluster.DisposeAsync();
        }
    }
}

/// <summary>The log output of verbs: warnings and worse, on the error stream, so that the answer on the output stays whole.</summary>
internal static class VerbLogging
{
    /// <summary>Makes the loggers of a verb.</summary>
    public static ILoggerFactory Create() => LoggerFactory.Create(static log => log
        .SetMinimumLevel(LogLevel.Warning)
        .AddSimpleConsole(static console => console.SingleLine = true)
        .Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            static console => console.LogToStandardErrorThreshold = LogLevel.Trace));
}

using Crm.EventStore.LocalPostgres;

namespace Crm.Web.Hosting;

/// <summary>The database that a host runs on: the one it is given, or the product's own, which it starts and stops.</summary>
public sealed class HostDatabase : IAsyncDisposable
{
    private readonly LocalCluster? cluster;

    private HostDatabase(CrmDatabase database, LocalCluster? cluster, string where)
    {
        Database = database;
        Where = where;
        this.cluster = cluster;
    }

    /// <summary>The database's pools, one for each role.</summary>
    public CrmDatabase Database { get; }

    /// <summary>Where the data are, for people.</summary>
    public string Where { get; }

    /// <summary>
    /// Opens the database of the settings: <c>ConnectionStrings:Crm</c> (and <c>CrmOwner</c>, which migrates), or, in Development
    /// without one, the product's own in <c>CRM_DATA_DIR</c>.
    /// </summary>
    /// <exception cref="SettingMissingException">Nothing says which database to use, and this is not Development.</exception>
    public static async Task<HostDatabase> Open(WebApplicationBuilder host, CancellationToken ct)
    {
        var settings = host.Configuration;

        // A third of the connections answers queries.
        var most = settings.GetValue("Crm:Database:MaxConnections", 60);
        var pool = new DataSourceSettings
        {
            MinConnections = settings.GetValue("Crm:Database:MinConnections", 20),
            MaxConnections = most - (most / 3),
            MaxReadConnections = most / 3,
            ConnectionPatience = TimeSpan.FromSeconds(3),
        };
        if (settings.GetConnectionString("Crm") is { Length: > 0 } given)
        {
            var external = await CrmDatabase.External(given, settings.GetConnectionString("CrmOwner"), pool, ct);
            return new HostDatabase(external, cluster: null, external.Description);
        }

        if (host.Environment.IsProduction())
        {
            throw new SettingMissingException(
                "ConnectionStrings__Crm is not set. In Production the host starts no database of its own: set it to the PostgreSQL database to use.");
        }

        var folder = Path.GetFullPath(settings["CRM_DATA_DIR"] is { Length: > 0 } asked ? asked : ".data");
        using var logging = LoggerFactory.Create(log => log.AddSimpleConsole(console => console.SingleLine = true));
        var local = await LocalCluster.Start(folder, new LocalClusterOptions { BinFolder = settings["CRM_PG_BIN"] }, logging.CreateLogger<LocalCluster>(), ct);
        var database = CrmDatabase.Local(local, pool);
        return new HostDatabase(database, local, $"{folder} ({database.Description})");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        if (cluster is not null)
        {
            await cluster.DisposeAsync();
        }
    }
}

/// <summary>A setting without which the host cannot start is missing.</summary>
public sealed class SettingMissingException(string message) : Exception(message);

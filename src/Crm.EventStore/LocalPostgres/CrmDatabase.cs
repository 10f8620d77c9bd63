using Npgsql;

namespace Crm.EventStore.LocalPostgres;

/// <summary>The product's database as a host has it: one pool for each role that it may act in.</summary>
public sealed class CrmDatabase : IAsyncDisposable
{
    private CrmDatabase(NpgsqlDataSource? owner, NpgsqlDataSource app, NpgsqlDataSource reads, NpgsqlDataSource? reporting)
    {
        Owner = owner;
        App = app;
        Reads = reads;
        Reporting = reporting;
        var where = new NpgsqlConnectionStringBuilder(app.ConnectionString);
        Description = $"{where.Database} on {where.Host}:{where.Port} as {where.Username}";
    }

    /// <summary>Migrates; null when this host has no right to, and somebody else does it.</summary>
    public NpgsqlDataSource? Owner { get; }

    /// <summary>What the product runs as: it cannot change or delete an event.</summary>
    public NpgsqlDataSource App { get; }

    /// <summary>The same role for queries of read models: few warm sessions that change nothing.</summary>
    public NpgsqlDataSource Reads { get; }

    /// <summary>Reads the documented read models; null when there is no login for it.</summary>
    public NpgsqlDataSource? Reporting { get; }

    /// <summary>Where it is, for people and logs; without a password.</summary>
    public string Description { get; }

    /// <summary>A database of the product's own cluster.</summary>
    public static CrmDatabase Local(LocalCluster cluster, DataSourceSettings settings, string database = LocalCluster.MainDatabase) => new(
        CrmDataSources.Build(cluster.Owner(database), Few(settings)),
        CrmDataSources.Build(cluster.App(database), settings),
        CrmDataSources.BuildReads(cluster.App(database), settings),
        CrmDataSources.Build(cluster.Reporting(database), Few(settings)));

    /// <summary>
    /// A database that runs elsewhere. With one login, that login migrates, and the product's sessions switch to the role that
    /// cannot change the log; with a login for the owner beside it, each does its own part; as <c>crm_app</c> alone it does not migrate.
    /// Makes the roles where they are missing.
    /// </summary>
    /// <param name="app">The login of the product (<c>ConnectionStrings__Crm</c>).</param>
    /// <param name="owner">The login that migrates (<c>ConnectionStrings__CrmOwner</c>); null: the same.</param>
    /// <param name="settings">How many connections, how long a statement may take.</param>
    /// <param name="ct">Gives up waiting.</param>
    /// <exception cref="LocalPostgresException">The roles are missing and the login may not make them.</exception>
    public static async Task<CrmDatabase> External(string app, string? owner, DataSourceSettings settings, CancellationToken ct)
    {
        var login = Login(app);
        if (owner is null && login == DatabaseAdmin.AppRole)
        {
            return new CrmDatabase(
                owner: null, CrmDataSources.Build(app, settings), CrmDataSources.BuildReads(app, settings), reporting: null);
        }

        var migrator = CrmDataSources.Build(owner ?? app, Few(settings));
        try
        {
            await DatabaseAdmin.EnsureRoles(migrator, passwords: null, ct, Login(owner ?? app), login);
        }
        catch
        {
            await migrator.DisposeAsync();
            throw;
        }

        var appRole = login == DatabaseAdmin.AppRole ? null : DatabaseAdmin.AppRole;
        return new CrmDatabase(
            migrator, CrmDataSources.Build(app, settings, appRole), CrmDataSources.BuildReads(app, settings, appRole), reporting: null);
    }

    /// <summary>Closes every connection.</summary>
    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        await Reads.DisposeAsync();
        if (Owner is not null)
        {
            await Owner.DisposeAsync();
        }

        if (Reporting is not null)
        {
            await Reporting.DisposeAsync();
        }
    }

    private static string Login(string connectionString) => new NpgsqlConnectionStringBuilder(connectionString).Username
        ?? throw new LocalPostgresException("The connection string names no user (Username=...).");

    // Used at the start and by hand: no connection is kept for it, and its work may be long.
    private static DataSourceSettings Few(DataSourceSettings settings) => settings with
    {
        MinConnections = 0,
        MaxConnections = 4,
        StatementTimeout = TimeSpan.FromMinutes(10),
        ConnectionPatience = TimeSpan.FromSeconds(15),
    };
}

using System.Security.Cryptography;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Schema;
using Npgsql;
using Xunit;

namespace Crm.Testing;

/// <summary>
/// A migrated database of a test's own: a copy of a template that is migrated once. As a class fixture, or made in a test by
/// <see cref="Create"/>; it removes itself.
/// </summary>
public sealed class TestDatabase : IAsyncLifetime
{
    private static readonly Lazy<Task<string>> Template = new(MakeTemplate, LazyThreadSafetyMode.ExecutionAndPublication);
    private TestCluster? cluster;
    private NpgsqlDataSource? app;
    private NpgsqlDataSource? owner;
    private NpgsqlDataSource? superuser;
    private NpgsqlDataSource? reporting;

    /// <summary>The database's name.</summary>
    public string Name { get; } = "t_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>The cluster it is in.</summary>
    public TestCluster Cluster => cluster ?? throw NotThere();

    /// <summary>Connections as the role that the product runs as.</summary>
    public NpgsqlDataSource App => app ?? throw NotThere();

    /// <summary>Connections as the role that migrates.</summary>
    public NpgsqlDataSource Owner => owner ?? throw NotThere();

    /// <summary>Connections as the superuser, for what no role of the product may do.</summary>
    public NpgsqlDataSource Superuser => superuser ?? throw NotThere();

    /// <summary>Connections as the role for reports.</summary>
    public NpgsqlDataSource Reporting => reporting ?? throw NotThere();

    /// <summary>The connection string of the role that the product runs as.</summary>
    public string AppConnectionString => Cluster.App(Name);

    /// <summary>The connection string of the role that migrates.</summary>
    public string OwnerConnectionString => Cluster.Owner(Name);

    /// <summary>Makes a migrated database.</summary>
    public static async Task<TestDatabase> Create()
    {
        var database = new TestDatabase();
        await database.InitializeAsync();
        return database;
    }

    /// <summary>Makes the database.</summary>
    public async ValueTask InitializeAsync()
    {
        cluster = await TestCluster.Shared;
        await DatabaseAdmin.CreateDatabase(cluster.Admin, Name, await Template.Value, CancellationToken.None);
        app = Pool(cluster.App(Name), 40);
        owner = Pool(cluster.Owner(Name), 4);
        superuser = Pool(cluster.Superuser(Name), 8);
        reporting = Pool(cluster.Reporting(Name), 4);
    }

    /// <summary>Closes its connections and removes the database.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var pool in new[] { app, owner, superuser, reporting }.OfType<NpgsqlDataSource>())
        {
            await pool.DisposeAsync();
        }

        if (cluster is not null)
        {
            await DatabaseAdmin.DropDatabase(cluster.Admin, Name, CancellationToken.None);
        }
    }

    /// <summary>Brings an empty database to the product's schema.</summary>
    internal static async Task Migrate(string ownerConnectionString, CancellationToken ct)
    {
        await using var owner = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(ownerConnectionString) { Pooling = false });
        await Migrations.Apply(owner, ct);
    }

    // Named by the migrations, so that a server that several processes share holds one for each state of the schema.
    private static async Task<string> MakeTemplate()
    {
        var cluster = await TestCluster.Shared;
        var name = "crm_template_" + Migrations.Fingerprint[..16];
        await using var one = await cluster.Admin.OpenConnectionAsync();
        await using (var wait = new NpgsqlCommand("select pg_advisory_lock(7246001)", one))
        {
            await wait.ExecuteNonQueryAsync();
        }

        if (!await DatabaseAdmin.DatabaseExists(cluster.Admin, name, CancellationToken.None))
        {
            // Under another name until it is whole: a copy of a half-migrated template would be a riddle.
            var draft = name + "_draft";
            await DatabaseAdmin.DropDatabase(cluster.Admin, draft, CancellationToken.None);
            await DatabaseAdmin.CreateDatabase(cluster.Admin, draft, template: null, CancellationToken.None);
            await Migrate(cluster.Owner(draft), CancellationToken.None);
            await DatabaseAdmin.CreateDatabase(cluster.Admin, name, draft, CancellationToken.None);
            await DatabaseAdmin.DropDatabase(cluster.Admin, draft, CancellationToken.None);
        }

        return name; // the lock goes with the connection
    }

    private static NpgsqlDataSource Pool(string connectionString, int most) =>
        CrmDataSources.Build(connectionString, new DataSourceSettings { ApplicationName = "crm test", MaxConnections = most });

    private static InvalidOperationException NotThere() => new("The database is not made yet: use it as a fixture, or through Create.");
}

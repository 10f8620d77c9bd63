using System.Globalization;
using Crm.Application;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.EventStore.Schema;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.Benchmarks;

/// <summary>The cluster that everything is measured on, run as the product runs its own: every commit is forced to disk.</summary>
public sealed class Stand : IAsyncDisposable
{
    private readonly NpgsqlDataSource superuser;

    private Stand(LocalCluster cluster)
    {
        Cluster = cluster;
        superuser = NpgsqlDataSource.Create(cluster.Superuser("postgres"));
    }

    /// <summary>The server.</summary>
    public LocalCluster Cluster { get; }

    /// <summary>The server as its superuser, for what is measured about it.</summary>
    public NpgsqlDataSource Superuser => superuser;

    /// <summary>Starts the cluster of a folder, or makes it.</summary>
    public static async Task<Stand> Start(string folder, CancellationToken ct) =>
        new(await LocalCluster.Start(folder, new LocalClusterOptions { SharedBuffersMb = 1024 }, NullLogger.Instance, ct));

    /// <summary>Makes a database anew, empty or with the product's schema.</summary>
    public async Task Make(string database, bool migrate, CancellationToken ct)
    {
        await Cluster.DropDatabase(database, ct);
        await Cluster.CreateDatabase(database, template: null, ct);
        if (migrate)
        {
            await using var owner = NpgsqlDataSource.Create(Cluster.Owner(database));
            await Migrations.Apply(owner, ct);
        }
    }

    /// <summary>A database that an earlier run with the same schema and sizes has filled is used again; else it is made.</summary>
    public async Task MakeOnce(string database, string content, Func<CancellationToken, Task> fill, CancellationToken ct)
    {
        var mark = $"{content}, schema {Migrations.Fingerprint[..16]}";
        if (await Cluster.DatabaseExists(database, ct) && await Comment(database, ct) == mark)
        {
            return;
        }

        await Make(database, migrate: true, ct);
        await fill(ct);
        await Execute("postgres", $"comment on database {database} is '{mark.Replace("'", "''", StringComparison.Ordinal)}'", ct);
    }

    /// <summary>Opens the log of a database in this process.</summary>
    public OpenLog Open(string database)
    {
        var app = CrmDataSources.Build(
            Cluster.App(database), new DataSourceSettings { ApplicationName = "crm bench", StatementTimeout = TimeSpan.FromMinutes(10) });
        return new OpenLog(app, new EventLog(app, EventJson.Catalog, TestKeys.Masters, new LogPosition()));
    }

    /// <summary>The settings with which a <c>crm</c> process uses a database of this cluster.</summary>
    public IReadOnlyDictionary<string, string> SettingsFor(string database) => new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["ConnectionStrings__Crm"] = Cluster.App(database),
        ["ConnectionStrings__CrmOwner"] = Cluster.Owner(database),
        ["CRM_MASTER_KEY"] = TestKeys.Text,
    };

    /// <summary>The settings with which a <c>crm</c> process shares this cluster and uses the product's own database on it.</summary>
    public IReadOnlyDictionary<string, string> SettingsForMain() =>
        new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["CRM_DATA_DIR"] = Cluster.DataFolder,
            ["CRM_MASTER_KEY"] = TestKeys.Text,
        };

    /// <summary>Runs a statement as the superuser. It holds names and literals of ours alone.</summary>
    public async Task Execute(string database, string sql, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(Cluster.Superuser(database) + ";Pooling=false");
        await connection.OpenAsync(ct);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Asks for one number as the superuser.</summary>
    public async Task<long> Ask(string database, string sql, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(Cluster.Superuser(database) + ";Pooling=false");
        await connection.OpenAsync(ct);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        return Convert.ToInt64(await command.ExecuteScalarAsync(ct), CultureInfo.InvariantCulture);
    }

    /// <summary>The path of one of PostgreSQL's programs, of the server's own version.</summary>
    public static async Task<string> ServerProgram(string name, CancellationToken ct)
    {
        var programs = await ServerPrograms.Find(
            Environment.GetEnvironmentVariable(ServerPrograms.Setting), Environment.GetEnvironmentVariable("PATH"), major: null, ct);
        return programs[name];
    }

    /// <summary>Stops the server.</summary>
    public async ValueTask DisposeAsync()
    {
        await superuser.DisposeAsync();
        await Cluster.DisposeAsync();
    }

    private async Task<string?> Comment(string database, CancellationToken ct)
    {
        await using var ask = superuser.CreateCommand("select shobj_description(oid, 'pg_database') from pg_database where datname = $1");
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = database });
        return await ask.ExecuteScalarAsync(ct) as string;
    }
}

/// <summary>A log that is open in this process.</summary>
/// <param name="Database">The pool of the role that may append.</param>
/// <param name="Log">The log.</param>
public sealed record OpenLog(NpgsqlDataSource Database, EventLog Log) : IAsyncDisposable
{
    /// <summary>Closes both.</summary>
    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        await Database.DisposeAsync();
    }
}

using System.Globalization;
using Npgsql;

namespace Crm.EventStore.LocalPostgres;

/// <summary>How many connections a host keeps, and how long a statement may take.</summary>
public sealed record DataSourceSettings
{
    /// <summary>What the server shows as the name of the connection's program.</summary>
    public string ApplicationName { get; init; } = "crm";

    /// <summary>Connections that are kept open while idle. A host keeps 20; tests and verbs need none.</summary>
    public int MinConnections { get; init; }

    /// <summary>Connections at most: 20 and 40 more under load.</summary>
    public int MaxConnections { get; init; } = 60;

    /// <summary>Connections at most that a host keeps for queries beside those, in a pool of their own.</summary>
    public int MaxReadConnections { get; init; } = 20;

    /// <summary>After this time the server gives a statement up. Long work (a rebuild, a copy) sets its own.</summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long one waits for a free connection, or for a new one to be made. A host would rather say that it is busy.</summary>
    public TimeSpan ConnectionPatience { get; init; } = TimeSpan.FromSeconds(15);
}

/// <summary>Makes pools of connections with the product's settings.</summary>
public static class CrmDataSources
{
    /// <summary>A pool for a login.</summary>
    /// <param name="connectionString">The login.</param>
    /// <param name="settings">How many connections, how long a statement may take.</param>
    /// <param name="role">
    /// The role that every session switches to; null: the login's own. For a login that may more than the product needs.
    /// </param>
    public static NpgsqlDataSource Build(string connectionString, DataSourceSettings settings, string? role = null)
    {
        var builder = With(connectionString, settings, role);
        return new NpgsqlDataSourceBuilder(builder.ConnectionString) { Name = NameOf(builder.ConnectionString) }.Build();
    }

    /// <summary>
    /// A pool for queries of read models: its sessions change nothing. A pool hands out the session that has rested longest, so in one
    /// that is kept large each request meets a session that has forgotten tables and plans. This one has as many as are needed at
    /// once, and statements stay prepared.
    /// </summary>
    /// <param name="connectionString">The login.</param>
    /// <param name="settings">How many connections, how long a statement may take.</param>
    /// <param name="role">The role that every session switches to; null: the login's own.</param>
    public static NpgsqlDataSource BuildReads(string connectionString, DataSourceSettings settings, string? role = null)
    {
        var builder = With(connectionString, settings, role);
        builder.MinPoolSize = 0;
        builder.MaxPoolSize = settings.MaxReadConnections;
        builder.MaxAutoPrepare = 200;
        builder.AutoPrepareMinUsages = 2;
        builder.Options += " -c default_transaction_read_only=on";

        // Queries set nothing beyond their own transaction, so there is nothing to be reset after them.
        builder.NoResetOnClose = true;
        return new NpgsqlDataSourceBuilder(builder.ConnectionString) { Name = NameOfReads(builder.ConnectionString) }.Build();
    }

    private static NpgsqlConnectionStringBuilder With(string connectionString, DataSourceSettings settings, string? role)
    {
        var given = new NpgsqlConnectionStringBuilder(connectionString);
        var milliseconds = (long)settings.StatementTimeout.TotalMilliseconds;
        var options = string.Create(CultureInfo.InvariantCulture, $"-c statement_timeout={milliseconds} -c timezone=UTC");
        return new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = given.ApplicationName ?? settings.ApplicationName,
            MinPoolSize = settings.MinConnections,
            MaxPoolSize = settings.MaxConnections,

            // The server gives up first and says why; this bounds the wait for a server that does not answer at all.
            CommandTimeout = (int)Math.Ceiling(settings.StatementTimeout.TotalSeconds) + 5,
            Timeout = (int)settings.ConnectionPatience.TotalSeconds,
            MaxAutoPrepare = 50,
            KeepAlive = 30,
            Options = string.Join(' ', new[] { given.Options, options, role is null ? null : "-c role=" + role }.OfType<string>()),

            // The reset between two users of a connection would go back to the login's own rights.
            NoResetOnClose = role is not null || given.NoResetOnClose,
        };
    }

    /// <summary>The name in metrics of the pool for queries beside that of a login.</summary>
    public static string NameOfReads(string connectionString) => NameOf(connectionString) + "/reads";

    /// <summary>A pool's name in metrics, such as <c>crm_app@crm</c>: the role that its sessions act in, and the database.</summary>
    public static string NameOf(string connectionString)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        const string switches = "-c role=";
        var role = (builder.Options ?? "").IndexOf(switches, StringComparison.Ordinal) is >= 0 and var at
            ? builder.Options![(at + switches.Length)..].Split(' ')[0] // found in it, so it is not null
            : builder.Username;
        return $"{role}@{builder.Database}";
    }
}

using System.Globalization;
using Crm.EventStore.LocalPostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.Testing;

/// <summary>
/// The PostgreSQL that a test process works on: one cluster of the product's own kind, started when the first test asks for
/// it and removed after the last test (<see cref="EndOfTests"/>), or the server that <c>CRM_TEST_POSTGRES</c> (a superuser's
/// connection string) names.
/// </summary>
public sealed class TestCluster
{
    private const string Prefix = "crm-test-";
    private static readonly Lazy<Task<TestCluster>> Started = new(StartShared, LazyThreadSafetyMode.ExecutionAndPublication);
    private readonly LocalCluster? local;
    private readonly string? external;
    private int removed;

    private TestCluster(LocalCluster? local, string? external)
    {
        this.local = local;
        this.external = external;
        Admin = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(Superuser("postgres")) { Pooling = false });
    }

    /// <summary>The cluster of this process. Its commits are not forced to disk: nothing in it outlives the process.</summary>
    public static Task<TestCluster> Shared => Started.Value;

    /// <summary>A superuser's connections to no database in particular.</summary>
    public NpgsqlDataSource Admin { get; }

    /// <summary>Starts a cluster of the test's own, that it may stop, start and kill; removed when it is disposed.</summary>
    public static Task<OwnCluster> StartOwn(bool durable, CancellationToken ct) => OwnCluster.Start(durable, ct);

    /// <summary>The superuser's connection string.</summary>
    public string Superuser(string database) => local?.Superuser(database) ?? External(database, role: null);

    /// <summary>The connection string of the role that migrates.</summary>
    public string Owner(string database) => local?.Owner(database) ?? External(database, DatabaseAdmin.OwnerRole);

    /// <summary>The connection string of the role that the product runs as.</summary>
    public string App(string database) => local?.App(database) ?? External(database, DatabaseAdmin.AppRole);

    /// <summary>The connection string of the role for reports.</summary>
    public string Reporting(string database) => local?.Reporting(database) ?? External(database, DatabaseAdmin.ReportingRole);

    /// <summary>A new folder for a host's data that the server's account can enter; whoever asks for it removes it.</summary>
    public static string NewDataFolder()
    {
        var folder = NewFolder();
        OpenToOthers(folder);
        return folder;
    }

    /// <summary>A folder of its own for a test, named so that the next process clears it away if this one is killed.</summary>
    internal static string NewFolder() => Directory.CreateTempSubdirectory(Prefix).FullName;

    private static async Task<TestCluster> StartShared()
    {
        if (Environment.GetEnvironmentVariable("CRM_TEST_POSTGRES") is { Length: > 0 } given)
        {
            var elsewhere = new TestCluster(local: null, given);
            await DatabaseAdmin.EnsureRoles(elsewhere.Admin, passwords: null, CancellationToken.None);
            return elsewhere;
        }

        await ClearLeftOvers();
        var folder = NewFolder();
        OpenToOthers(folder);

        // No test's token: the cluster outlives the test that happened to ask first.
        var options = new LocalClusterOptions { Durable = false, SharedBuffersMb = 128, FurtherAccess = ["local all all scram-sha-256"] };
        var local = await LocalCluster.Start(folder, options, NullLogger.Instance, CancellationToken.None);
        var started = new TestCluster(local, external: null);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => started.Remove();
        return started;
    }

    /// <summary>Removes the cluster of this process, if any test asked for it.</summary>
    internal static async ValueTask End()
    {
        if (Started is { IsValueCreated: true, Value: { IsCompletedSuccessfully: true } cluster })
        {
            (await cluster).Remove();
        }
    }

    private void Remove()
    {
        if (local is not null && Interlocked.Exchange(ref removed, 1) == 0)
        {
            Remove(local);
        }
    }

    // The server runs as another user when the tests run as root.
    internal static void OpenToOthers(string folder) => File.SetUnixFileMode(
        folder, File.GetUnixFileMode(folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);

    internal static void Remove(LocalCluster cluster)
    {
        cluster.Abandon();
        Directory.Delete(cluster.DataFolder, recursive: true);
    }

    // A test process that was killed leaves its server behind: whoever gets its lock removes it. Not at once: a specification that
    // stops or kills its host lets go of the lock too, for a while.
    private static async Task ClearLeftOvers()
    {
        foreach (var folder in Directory.EnumerateDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            try
            {
                var old = new DirectoryInfo(folder).CreationTimeUtc < TimeProvider.System.GetUtcNow().UtcDateTime - TimeSpan.FromHours(1);
                if (old && await LocalCluster.TryAbandon(folder, CancellationToken.None))
                {
                    Directory.Delete(folder, recursive: true);
                }
            }
            catch (Exception inUse) when (inUse is IOException or UnauthorizedAccessException or LocalPostgresException)
            {
                // Another user's, or another process clears it at this moment.
            }
        }
    }

    private string External(string database, string? role)
    {
        var login = new NpgsqlConnectionStringBuilder(external) { Database = database };
        if (role is not null)
        {
            // The reset of a pooled connection would go back to the superuser.
            login.Options = string.Create(CultureInfo.InvariantCulture, $"{login.Options} -c role={role}").Trim();
            login.NoResetOnClose = true;
        }

        return login.ConnectionString;
    }
}

using Crm.EventStore.LocalPostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.EventStore.Tests.LocalPostgres;

/// <summary>A folder for a cluster of one test; whatever still runs in it at the end is ended.</summary>
public sealed class ClusterFolder : IAsyncDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("crm-test-").FullName;

    public ClusterFolder(params string[] below)
    {
        // Open to the account of the server, as a folder of the system would be.
        File.SetUnixFileMode(root, File.GetUnixFileMode(root) | UnixFileMode.OtherExecute);
        Data = Path.Combine([root, .. below, "data"]);
    }

    public string Root => root;

    public string Data { get; }

    public static LocalClusterOptions Options { get; } = new() { Durable = false, SharedBuffersMb = 64 };

    public Task<LocalCluster> Start(CancellationToken ct) => LocalCluster.Start(Data, Options, NullLogger.Instance, ct);

    public async ValueTask DisposeAsync()
    {
        if (Directory.Exists(Data))
        {
            await LocalCluster.TryAbandon(Data, CancellationToken.None);
        }

        Directory.Delete(root, recursive: true);
    }

    public static async Task<object?> Ask(string login, string sql, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(login) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(ct);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(ct);
    }

    public static string ByTcp(string login) => new NpgsqlConnectionStringBuilder(login) { Host = "127.0.0.1" }.ConnectionString;
}

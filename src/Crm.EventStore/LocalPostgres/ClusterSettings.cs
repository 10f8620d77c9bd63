using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Crm.EventStore.LocalPostgres;

/// <summary>The cluster's settings, written anew at every start: who may connect, and how the server runs.</summary>
internal static class ClusterSettings
{
    /// <summary>The name of our file beside PostgreSQL's own, which includes it.</summary>
    public const string FileName = "crm.conf";

    /// <summary>
    /// Who may connect: the superuser through the socket alone, whose folder only the owner of the data can enter;
    /// the product's roles by password; nobody else.
    /// </summary>
    public const string Access = """
        # Written at every start.
        local all           postgres                              trust
        local replication   postgres                              trust
        local all           crm_owner,crm_app,crm_reporting       scram-sha-256
        host  all           crm_owner,crm_app,crm_reporting       127.0.0.1/32 scram-sha-256

        """;

    /// <summary>How the server runs.</summary>
    public static string Server(LocalClusterOptions options, int port, string socket)
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024 * 1024);
        var buffers = options.SharedBuffersMb ?? Math.Clamp(memory / 8, 256, 1024);
        var durable = options.Durable ? "on" : "off";
        return string.Create(CultureInfo.InvariantCulture, $"""
            # Written at every start: change postgresql.conf's lines below the include to override.
            listen_addresses = '127.0.0.1'
            port = {port}
            unix_socket_directories = '{socket.Replace("'", "''", StringComparison.Ordinal)}'
            unix_socket_permissions = 0700
            password_encryption = 'scram-sha-256'
            max_connections = 200
            shared_buffers = {buffers}MB
            effective_cache_size = {Math.Max(memory / 2, 512)}MB
            work_mem = 16MB
            maintenance_work_mem = 128MB
            fsync = {durable}
            synchronous_commit = on
            full_page_writes = {durable}
            max_wal_size = 4GB
            min_wal_size = 1GB
            random_page_cost = 1.1
            jit = off
            timezone = 'UTC'
            logging_collector = on
            log_directory = 'log'
            log_filename = 'postgresql-%a.log'
            log_truncate_on_rotation = on
            log_rotation_age = 1d
            log_rotation_size = 0
            log_timezone = 'UTC'
            log_line_prefix = '%m [%p] %q%u@%d '
            log_lock_waits = on
            log_parameter_max_length_on_error = 0

            """);
    }

    /// <summary>The port to use: the one of last time where it is free, else any free one on loopback.</summary>
    public static int FreePort(int? preferred)
    {
        foreach (var port in new[] { preferred ?? 0, 0 })
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException) when (port != 0)
            {
                // Taken since last time: any other will do.
            }
        }

        throw new LocalPostgresException("There is no free port on 127.0.0.1.");
    }

    /// <summary>The port of the last start; null when there was none.</summary>
    public static int? LastPort(string data)
    {
        var file = Path.Combine(data, FileName);
        var line = File.Exists(file)
            ? File.ReadLines(file).FirstOrDefault(line => line.StartsWith("port = ", StringComparison.Ordinal))
            : null;
        return line is not null && int.TryParse(line["port = ".Length..], CultureInfo.InvariantCulture, out var port) ? port : null;
    }
}

using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Crm.EventStore.LocalPostgres;

/// <summary>Where the parts of a cluster lie, and what PostgreSQL's own files say about the server that runs on it.</summary>
internal sealed partial class ClusterFiles(string dataFolder)
{
    // A socket's path has at most 107 bytes on Linux (103 elsewhere), and "/.s.PGSQL.65535" comes on top of the folder.
    private const int LongestSocketFolder = 103 - 15;

    /// <summary>The product's data folder.</summary>
    public string DataFolder { get; } = Path.GetFullPath(dataFolder);

    /// <summary>Everything of the cluster.</summary>
    public string Root => Path.Combine(DataFolder, "postgres");

    /// <summary>PostgreSQL's own data directory.</summary>
    public string Data => Path.Combine(Root, "data");

    /// <summary>What the server says before its own log is open.</summary>
    public string StartLog => Path.Combine(Root, "start.log");

    /// <summary>Held by the host that looks after the server.</summary>
    public string Lock => Path.Combine(DataFolder, "postgres.lock");

    /// <summary>Shared by everybody who uses the server.</summary>
    public string Users => Path.Combine(DataFolder, "postgres.users");

    /// <summary>The roles' passwords; there when the cluster has been set up.</summary>
    public string Passwords => Path.Combine(DataFolder, "roles.json");

    /// <summary>The folder of the socket: inside the cluster, or a short one when the path would be too long for a socket.</summary>
    public string Socket
    {
        get
        {
            var inside = Path.Combine(Root, "socket");
            if (Encoding.UTF8.GetByteCount(inside) <= LongestSocketFolder && Plain().IsMatch(inside))
            {
                return inside;
            }

            var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(inside)))[..16];
            return Path.Combine(Path.GetTempPath(), "crm-" + name);
        }
    }

    /// <summary>The major version that made the cluster; null when there is none yet.</summary>
    public int? Major
    {
        get
        {
            var file = Path.Combine(Data, "PG_VERSION");
            return File.Exists(file) ? int.Parse(File.ReadAllText(file).Trim(), CultureInfo.InvariantCulture) : null;
        }
    }

    /// <summary>The file in which a running server writes its process and port.</summary>
    public string PidFile => Path.Combine(Data, "postmaster.pid");

    /// <summary>Reads what the server wrote about itself; null when no server of this cluster runs.</summary>
    public RunningServer? Running()
    {
        string[] lines;
        try
        {
            lines = File.ReadAllLines(PidFile);
        }
        catch (Exception gone) when (gone is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        // Line by line: process, data directory, start time, port, socket folder, listening address, shared memory, state.
        if (lines.Length < 5
            || !int.TryParse(lines[0], CultureInfo.InvariantCulture, out var process)
            || !int.TryParse(lines[3], CultureInfo.InvariantCulture, out var port))
        {
            return null;
        }

        return Lives(process) ? new RunningServer(process, port, lines[4].Trim(), lines.Length > 7 && lines[7].Trim() is "ready") : null;
    }

    /// <summary>
    /// True when the process is a server of this cluster. A process number is used again after a crash of the machine;
    /// a server's working directory is its data.
    /// </summary>
    public bool Lives(int process)
    {
        if (!OperatingSystem.IsLinux())
        {
            return Exists(process);
        }

        try
        {
            var at = new FileInfo($"/proc/{process}/cwd").LinkTarget;
            return at is not null && (at == Data || at == new DirectoryInfo(Data).ResolveLinkTarget(returnFinalTarget: true)?.FullName || Same(at));
        }
        catch (UnauthorizedAccessException)
        {
            return Exists(process); // another user's: its files decide
        }
        catch (IOException)
        {
            return false; // gone, or dead and not yet collected by its parent
        }
    }

    // A symbolic link somewhere above the data gives it a second path.
    private bool Same(string folder)
    {
        var other = Path.Combine(folder, "postmaster.pid");
        return File.Exists(other) && File.Exists(PidFile) && File.ReadAllText(other) == File.ReadAllText(PidFile);
    }

    private static bool Exists(int process)
    {
        try
        {
            using var found = System.Diagnostics.Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    // Commas separate several hosts in a connection string, quotes and the like separate settings.
    [GeneratedRegex("^[A-Za-z0-9/_. -]+$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Plain();

    /// <summary>A server that runs on the cluster.</summary>
    /// <param name="Process">Its process.</param>
    /// <param name="Port">Its port, on loopback and in the name of its socket.</param>
    /// <param name="Socket">The folder of its socket.</param>
    /// <param name="Ready">True when it takes connections.</param>
    internal sealed record RunningServer(int Process, int Port, string Socket, bool Ready);
}

using System.Globalization;
using Npgsql;

namespace Crm.EventStore.LocalPostgres;

/// <summary>Makes, starts and stops the server of one cluster, as the account that may.</summary>
internal sealed class ServerControl
{
    private readonly ClusterFiles files;
    private readonly LocalClusterOptions options;
    private readonly ServerPrograms programs;
    private readonly Launcher launcher;

    private ServerControl(ClusterFiles files, LocalClusterOptions options, ServerPrograms programs, Launcher launcher)
    {
        this.files = files;
        this.options = options;
        this.programs = programs;
        this.launcher = launcher;
    }

    /// <summary>Finds the programs and the account, and makes the cluster when there is none.</summary>
    public static async Task<ServerControl> Prepare(ClusterFiles files, LocalClusterOptions options, CancellationToken ct)
    {
        const UnixFileMode ours = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        var folder = options.BinFolder ?? Environment.GetEnvironmentVariable(ServerPrograms.Setting);
        var programs = await ServerPrograms.Find(folder, Environment.GetEnvironmentVariable("PATH"), files.Major, ct);
        Directory.CreateDirectory(files.Root, ours);
        var launcher = await ServerAccount.For(files.Root, ct);
        var control = new ServerControl(files, options, programs, launcher);
        if (files.Major is null)
        {
            await control.Make(ct);
        }

        return control;
    }

    /// <summary>Starts the server and waits until it takes connections.</summary>
    /// <param name="preferredPort">The port to use when it is free.</param>
    /// <param name="ct">Gives up waiting.</param>
    public async Task Start(int? preferredPort, CancellationToken ct)
    {
        const int attempts = 5;
        await PrepareSocketFolder(ct);
        if (files.Running() is null)
        {
            File.Delete(files.PidFile); // of a server that did not live to remove it; its number may be another process's by now
        }

        for (var attempt = 1; ; attempt++)
        {
            await Configure(ClusterSettings.FreePort(preferredPort), ct);
            File.Delete(files.StartLog);

            // pg_ctl gives the server a session of its own: Ctrl-C in the host's terminal does not reach it.
            var seconds = Math.Max((int)options.StartTimeout.TotalSeconds, 1).ToString(CultureInfo.InvariantCulture);
            var answer = await launcher.Run(programs["pg_ctl"], ["start", "-D", files.Data, "-l", files.StartLog, "-w", "-s", "-t", seconds], ct);
            if (answer.Succeeded)
            {
                return;
            }

            var words = LastWords();
            if (attempt == attempts || !words.Contains("Address already in use", StringComparison.Ordinal))
            {
                throw new LocalPostgresException($"PostgreSQL did not start in {files.Root}. {answer.Said} {words}");
            }

            preferredPort = null; // somebody took the port between our look and the server's
        }
    }

    /// <summary>Waits until a server that runs already takes connections.</summary>
    public async Task WaitUntilReady(CancellationToken ct)
    {
        while (files.Running() is not { Ready: true })
        {
            if (files.Running() is null)
            {
                await Start(ClusterSettings.LastPort(files.Data), ct); // it was on its way out
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), ct);
        }
    }

    /// <summary>Stops the server: connections are cut, what is committed is written. Returns when it is gone.</summary>
    public async Task Stop(CancellationToken ct)
    {
        if (files.Running() is not { } running)
        {
            return;
        }

        NpgsqlConnection.ClearAllPools();
        var answer = await launcher.Run(programs["pg_ctl"], ["stop", "-D", files.Data, "-m", "fast", "-w", "-s", "-t", "120"], ct);
        if (!answer.Succeeded && files.Running() is { } still)
        {
            throw new LocalPostgresException($"PostgreSQL in {files.Root} (process {still.Process}) did not stop: {answer.Said}");
        }

        // The server removes its file a moment before it ends.
        while (files.Lives(running.Process))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), ct);
        }
    }

    /// <summary>Stops the server without its last checkpoint, from a process that is about to end.</summary>
    public void StopNow() => launcher.RunNow(programs["pg_ctl"], ["stop", "-D", files.Data, "-m", "immediate", "-w", "-s"], TimeSpan.FromSeconds(20));

    /// <summary>The end of what the server said when it started, for a message.</summary>
    public string LastWords()
    {
        try
        {
            var log = new DirectoryInfo(Path.Combine(files.Data, "log"));
            var newest = log.Exists ? log.EnumerateFiles().MaxBy(file => file.LastWriteTimeUtc) : null;
            string[] lines =
            [
                .. File.Exists(files.StartLog) ? File.ReadAllLines(files.StartLog) : [],
                .. newest is null ? [] : File.ReadLines(newest.FullName).TakeLast(10),
            ];
            return string.Join(" | ", lines.TakeLast(12));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return $"Its log is in {files.Data}/log.";
        }
    }

    // Into a draft that is renamed in the end: a cluster is there whole or not at all.
    private async Task Make(CancellationToken ct)
    {
        var draft = files.Data + ".new";
        if (Directory.Exists(draft))
        {
            Directory.Delete(draft, recursive: true);
        }

        string[] always =
        [
            "-D", draft, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--data-checksums", "--no-instructions",
            .. options.Durable ? Array.Empty<string>() : ["--no-sync"],
        ];
        var answer = await launcher.Run(programs["initdb"], [.. always, "--locale=C.UTF-8", "--lc-collate=C"], ct);
        if (!answer.Succeeded && answer.Said.Contains("locale", StringComparison.Ordinal))
        {
            answer = await launcher.Run(programs["initdb"], [.. always, "--locale=C"], ct);
        }

        if (!answer.Succeeded)
        {
            throw new LocalPostgresException($"PostgreSQL's initdb failed in {files.Root}: {answer.Said}");
        }

        await File.AppendAllTextAsync(
            Path.Combine(draft, "postgresql.conf"), $"\ninclude_if_exists = '{ClusterSettings.FileName}'\n", ct);
        Directory.Move(draft, files.Data);
    }

    private async Task Configure(int port, CancellationToken ct)
    {
        var settings = ClusterSettings.Server(options, port, files.Socket);
        var own = Path.Combine(files.Data, ClusterSettings.FileName);
        await File.WriteAllTextAsync(own, settings, ct);
        var access = ClusterSettings.Access + string.Join('\n', options.FurtherAccess) + "\n";
        await File.WriteAllTextAsync(Path.Combine(files.Data, "pg_hba.conf"), access, ct);
        await Give(own, ct);
    }

    private async Task PrepareSocketFolder(CancellationToken ct)
    {
        const UnixFileMode ours = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        var folder = files.Socket;
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder, ours);
            await Give(folder, ct);
        }

        // Outside our own folder somebody else may have made it first, to listen in.
        if (await ServerAccount.OwnerOf(folder, ct) != await ServerAccount.OwnerOf(files.Data, ct))
        {
            throw new LocalPostgresException($"The folder for PostgreSQL's socket, {folder}, belongs to another user. Remove it, or set CRM_DATA_DIR to a shorter path.");
        }

        File.SetUnixFileMode(folder, ours);
    }

    private async Task Give(string path, CancellationToken ct)
    {
        if (launcher.User is { } user)
        {
            await Launcher.Plain.Run("chown", [user, path], ct);
        }
    }
}

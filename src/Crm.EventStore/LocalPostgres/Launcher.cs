using System.Diagnostics;

namespace Crm.EventStore.LocalPostgres;

/// <summary>Runs a program to its end, as ourselves or, when we are root, as an ordinary user: PostgreSQL refuses to run as root.</summary>
internal sealed class Launcher
{
    private readonly string[] prefix;

    private Launcher(string[] prefix, string? user)
    {
        this.prefix = prefix;
        User = user;
    }

    /// <summary>Runs programs as ourselves.</summary>
    public static Launcher Plain { get; } = new([], user: null);

    /// <summary>The user that programs run as; null: ourselves.</summary>
    public string? User { get; }

    /// <summary>
    /// Runs programs as the user, through <c>setpriv</c>. The capability, when given, lets the server pass through parent
    /// folders that are closed to its user (a repository below /root): nothing else of root's power goes with it.
    /// </summary>
    public static Launcher As(string user, string group, string? capability = null) => new(
    [
        "setpriv", "--reuid=" + user, "--regid=" + group, "--init-groups",
        .. capability is null ? Array.Empty<string>() : ["--inh-caps=+" + capability, "--ambient-caps=+" + capability],
        "--",
    ], user);

    /// <summary>Runs a program and answers its exit code and what it said.</summary>
    public async Task<Answer> Run(string program, IEnumerable<string> arguments, CancellationToken ct)
    {
        using var process = Process.Start(Describe(program, arguments))
            ?? throw new LocalPostgresException($"{program} could not be started.");
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(ct);
            var errors = process.StandardError.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            return new Answer(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: false);
            throw;
        }
    }

    /// <summary>The same without waiting for the thread pool: for the last moments of a process.</summary>
    public void RunNow(string program, IEnumerable<string> arguments, TimeSpan atMost)
    {
        var description = Describe(program, arguments);
        description.RedirectStandardOutput = false;
        description.RedirectStandardError = false;
        using var process = Process.Start(description);
        process?.WaitForExit(atMost);
    }

    private ProcessStartInfo Describe(string program, IEnumerable<string> arguments)
    {
        string[] line = [.. prefix, program, .. arguments];
        var description = new ProcessStartInfo(line[0], line.Skip(1))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = "/", // ours may be closed to the other user
        };
        foreach (var name in description.Environment.Keys.Where(name => name.StartsWith("PG", StringComparison.Ordinal)).ToArray())
        {
            description.Environment.Remove(name); // PGDATA, PGPORT and the like belong to somebody else's server
        }

        description.Environment["LC_ALL"] = "C";
        return description;
    }

    /// <summary>How a program ended.</summary>
    /// <param name="ExitCode">0 when it succeeded.</param>
    /// <param name="Output">What it wrote to its output.</param>
    /// <param name="Errors">What it wrote to its error output.</param>
    internal sealed record Answer(int ExitCode, string Output, string Errors)
    {
        /// <summary>True when the exit code is 0.</summary>
        public bool Succeeded => ExitCode == 0;

        /// <summary>Everything it said, for a message.</summary>
        public string Said => (Output + Errors).Trim();
    }
}

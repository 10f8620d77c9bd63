using System.Diagnostics;
using Crm.Testing;

namespace Crm.Web.Tests.Cli;

/// <summary>The <c>crm</c> command line as a process of its own, on a test's database.</summary>
internal sealed class CrmProcess : IDisposable
{
    private readonly Process process;
    private readonly Task<string> output;
    private readonly Task<string> error;

    private CrmProcess(Process process)
    {
        this.process = process;
        output = process.StandardOutput.ReadToEndAsync();
        error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>Starts a verb.</summary>
    public static CrmProcess Start(TestDatabase? database, params IEnumerable<string> arguments) =>
        Start(database, ("CRM_MASTER_KEY", TestKeys.Text), arguments);

    /// <summary>Starts a verb with the master keys of a setting.</summary>
    public static CrmProcess Start(TestDatabase? database, (string Name, string Value) masterKey, params IEnumerable<string> arguments) =>
        Start(database, [masterKey], arguments);

    /// <summary>Starts a verb with settings of the environment, the master key among them.</summary>
    public static CrmProcess Start(TestDatabase? database, (string Name, string Value)[] settings, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "crm.dll"), .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        start.Environment["ConnectionStrings__Crm"] = database?.Cluster.Superuser(database.Name);
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        return new CrmProcess(Process.Start(start) ?? throw new InvalidOperationException("The process did not start."));
    }

    /// <summary>Whether it has ended by itself.</summary>
    public bool HasEnded => process.HasExited;

    /// <summary>Runs a verb to its end.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> Run(
        TestDatabase? database, CancellationToken ct, params IEnumerable<string> arguments)
    {
        using var started = Start(database, arguments);
        return await started.End(ct);
    }

    /// <summary>Kills it as <c>kill -9</c> does; false when it had ended by itself.</summary>
    public bool Kill()
    {
        if (process.HasExited)
        {
            return false;
        }

        process.Kill();
        return true;
    }

    /// <summary>Interrupts it as Ctrl-C does.</summary>
    public async Task Interrupt(CancellationToken ct)
    {
        using var kill = Process.Start("kill", ["-INT", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(ct);
    }

    /// <summary>Waits until it has ended.</summary>
    public async Task<(int ExitCode, string Output, string Error)> End(CancellationToken ct)
    {
        await process.WaitForExitAsync(ct);
        return (process.ExitCode, await output, await error);
    }

    public void Dispose()
    {
        Kill();
        process.Dispose();
    }
}

using Crm.Testing;

namespace Crm.Benchmarks;

/// <summary>The <c>crm</c> command line as it was built beside this program, run as a process of its own.</summary>
public sealed class CrmProgram
{
    /// <summary>The setting that names the program, as <c>ops/bench</c> sets it.</summary>
    public const string Setting = "CRM_HOST";

    private const int DoneWithRejectedRows = 4;

    private readonly string assembly;

    /// <summary>Takes the given build, the one that <see cref="Setting"/> names, or the one that this program was built with.</summary>
    public CrmProgram(string? given)
    {
        var own = new DirectoryInfo(AppContext.BaseDirectory);
        var (framework, configuration) = (own.Name, own.Parent?.Name ?? "");
        string[] candidates = (given ?? Environment.GetEnvironmentVariable(Setting)) is { } named
            ? [named]
            : [Path.Combine(Repository.Root, "src", "Crm.Web", "bin", configuration, framework, "crm.dll")];
        assembly = candidates.FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException(
                $"The crm program is at none of: {string.Join(", ", candidates)}. Build it, or name it with --crm.");
    }

    /// <summary>Runs a verb to its end.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message is what it printed.</exception>
    public async Task<ToolRun> Run(IReadOnlyList<string> verb, IReadOnlyDictionary<string, string> settings, CancellationToken ct)
    {
        var run = await Tool.Run("dotnet", [assembly, .. verb], settings, ct);
        return run.ExitCode is 0 or DoneWithRejectedRows
            ? run
            : throw new InvalidOperationException($"crm {string.Join(' ', verb)} ended with {run.ExitCode}: {run.Output}");
    }

    /// <summary>Starts the API and answers when it is ready and somebody has signed in.</summary>
    public Task<RunningHost> Serve(IReadOnlyDictionary<string, string> settings, CancellationToken ct) =>
        RunningHost.Start("dotnet", [assembly, "serve"], settings, ct);
}

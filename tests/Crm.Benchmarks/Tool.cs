using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Crm.Benchmarks;

/// <summary>What became of another program.</summary>
/// <param name="ExitCode">0: it succeeded.</param>
/// <param name="Output">What it printed, on both ways out.</param>
/// <param name="Answer">What it printed on standard output alone.</param>
/// <param name="Elapsed">How long it ran.</param>
/// <param name="PeakMb">The most memory that it had resident, in MB (VmHWM).</param>
public sealed record ToolRun(int ExitCode, string Output, string Answer, TimeSpan Elapsed, double PeakMb);

/// <summary>Runs another program to its end, and watches its memory.</summary>
public static class Tool
{
    private static readonly TimeSpan LookEach = TimeSpan.FromMilliseconds(50);

    /// <summary>Runs it; a cancellation kills it.</summary>
    public static async Task<ToolRun> Run(
        string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> settings, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        using var process = Start(program, arguments, settings);
        var all = new StringBuilder();
        var answer = new StringBuilder();
        void Take(string? line, bool isAnswer)
        {
            if (line is null)
            {
                return;
            }

            lock (all)
            {
                all.AppendLine(line);
                if (isAnswer)
                {
                    answer.AppendLine(line);
                }
            }
        }

        process.OutputDataReceived += (_, told) => Take(told.Data, isAnswer: true);
        process.ErrorDataReceived += (_, told) => Take(told.Data, isAnswer: false);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var peak = 0d;
        try
        {
            var ended = process.WaitForExitAsync(ct);
            while (!ended.IsCompleted)
            {
                peak = Math.Max(peak, PeakMb(process.Id));
                await Task.WhenAny(ended, Task.Delay(LookEach, ct));
            }

            await ended;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        lock (all)
        {
            return new ToolRun(process.ExitCode, all.ToString(), answer.ToString(), Stopwatch.GetElapsedTime(began), peak);
        }
    }

    /// <summary>Starts it with its output at hand.</summary>
    public static Process Start(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> settings)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
    }

    /// <summary>The most memory that a process has had resident, in MB; 0 when it is gone.</summary>
    public static double PeakMb(int process)
    {
        try
        {
            var lines = File.ReadLines($"/proc/{process}/status");
            var kilobytes = lines.FirstOrDefault(each => each.StartsWith("VmHWM:", StringComparison.Ordinal))?.Split(':')[1];
            return kilobytes is null
                ? 0
                : double.Parse(kilobytes.Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture) / 1024;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}

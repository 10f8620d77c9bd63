using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace Crm.Web.Cli;

/// <summary>Shows how far a verb is, on the error stream: a bar for people, a plain line now and then for files and pipes.</summary>
internal static class ProgressBar
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(5);

    /// <summary>Does the work and shows its progress.</summary>
    /// <param name="work">
    /// The work; it is given the function that it reports to: what it is doing, and how much of that is done (0–1).
    /// </param>
    public static async Task<T> Show<T>(Func<Action<string, double>, Task<T>> work)
    {
        if (Console.IsErrorRedirected)
        {
            return await work(Lines());
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Progress()
            .HideCompleted(false)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async shown =>
            {
                var bars = new Dictionary<string, ProgressTask>(StringComparer.Ordinal);
                return await work((what, fraction) =>
                {
                    lock (bars)
                    {
                        // A step is known by its words before the first comma; what follows tells of its details.
                        var step = what.Split(',')[0];
                        if (!bars.TryGetValue(step, out var bar))
                        {
                            bars.Add(step, bar = shown.AddTask(Markup.Escape(what), maxValue: 1));
                        }

                        bar.Description = Markup.Escape(what);
                        bar.Value = fraction;
                    }
                });
            });
    }

    private static Action<string, double> Lines()
    {
        var since = Stopwatch.StartNew();
        var gate = new Lock();
        return (what, fraction) =>
        {
            lock (gate)
            {
                if (since.Elapsed >= LineEvery)
                {
                    Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what} {fraction:P0}"));
                    since.Restart();
                }
            }
        };
    }
}

/// <summary>
/// Hands progress on at once, in order: the progress of the framework goes through the thread pool and may come too late.
/// </summary>
internal sealed class Told<T>(Action<T> tell) : IProgress<T>
{
    /// <inheritdoc/>
    public void Report(T value) => tell(value);
}

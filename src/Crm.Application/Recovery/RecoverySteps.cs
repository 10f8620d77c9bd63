using System.Diagnostics;

namespace Crm.Application.Recovery;

/// <summary>The steps of a recovery as they are done: how far each is, and how long it took.</summary>
internal sealed class RecoverySteps(IProgress<RecoveryProgress>? progress)
{
    private readonly Lock gate = new();
    private readonly List<RecoveryStep> done = [];

    /// <summary>The steps that are done.</summary>
    public IReadOnlyList<RecoveryStep> Done
    {
        get
        {
            lock (gate)
            {
                return [.. done];
            }
        }
    }

    /// <summary>Does one step.</summary>
    public async Task<T> Do<T>(string step, Func<IProgress<double>, Task<T>> work)
    {
        var began = Stopwatch.GetTimestamp();
        var result = await work(new Part(progress, step));
        lock (gate)
        {
            done.Add(new RecoveryStep(step, Math.Round(Stopwatch.GetElapsedTime(began).TotalSeconds, 3)));
        }

        return result;
    }

    /// <summary>Does one step that answers nothing.</summary>
    public Task Do(string step, Func<IProgress<double>, Task> work) => Do(step, async part =>
    {
        await work(part);
        return true;
    });

    private sealed class Part(IProgress<RecoveryProgress>? progress, string step) : IProgress<double>
    {
        public void Report(double value) => progress?.Report(new RecoveryProgress(step, value));
    }
}

using System.Diagnostics;
using System.Globalization;
using Crm.Application.Recovery;

namespace Crm.Application.Drill;

/// <summary>The steps of a drill as they are done: each timed, and held against its bound.</summary>
internal sealed class DrillSteps(IProgress<RecoveryProgress>? progress)
{
    private readonly List<DrillStep> done = [];

    /// <summary>The steps so far.</summary>
    public IReadOnlyList<DrillStep> Done => done;

    /// <summary>Does one step; false when it failed, so that what builds on it is left.</summary>
    public async Task<bool> Do(
        string name, string requirement, TimeSpan? bound, Func<IProgress<RecoveryProgress>, Task<string>> work, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        progress?.Report(new RecoveryProgress(name, 0));
        var (succeeded, says) = (true, "");
        try
        {
            says = await work(new Part(progress, name));
        }
        catch (Exception fault) when (!(fault is OperationCanceledException && ct.IsCancellationRequested))
        {
            // Whatever goes wrong in a drill is what the drill was for.
            (succeeded, says) = (false, fault is DrillFailedException ? fault.Message : $"{fault.GetType().Name}: {fault.Message}");
        }

        var took = Stopwatch.GetElapsedTime(began);
        var inTime = bound is null || took <= bound;
        if (succeeded && !inTime)
        {
            says += string.Create(CultureInfo.InvariantCulture, $" TOO LATE: {took.TotalHours:F1} h.");
        }

        Add(new DrillStep(name, requirement, succeeded && inTime, Math.Round(took.TotalSeconds, 3), bound?.TotalSeconds, says));
        progress?.Report(new RecoveryProgress(name, 1));
        return succeeded;
    }

    /// <summary>Adds a step that was not timed.</summary>
    public void Add(DrillStep step) => done.Add(step);

    private sealed class Part(IProgress<RecoveryProgress>? progress, string name) : IProgress<RecoveryProgress>
    {
        public void Report(RecoveryProgress value) => progress?.Report(value with { Step = $"{name}, {value.Step}" });
    }
}

using System.Text.Json;
using Crm.Application.Integrity;
using Crm.EventStore.Jobs;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Npgsql;

namespace Crm.Web.Operations;

/// <summary>
/// Runs the integrity checks as jobs and keeps their reports where every host finds them. A run goes through the whole log, so those who
/// ask at the same time share one.
/// </summary>
public sealed class IntegrityReports(
    RunningJobs jobs, NpgsqlDataSource database, EventLog log, IReadOnlyList<Projection> projections, TimeProvider clock) : IDisposable
{
    /// <summary>The kind of these jobs.</summary>
    public const string Kind = "integrity";

    // Each report has some ten kilobytes, and they are asked for often.
    private const int Kept = 100;

    private readonly SemaphoreSlim one = new(1, 1);
    private readonly SemaphoreSlim turn = new(1, 1);

    /// <summary>The last report that this host has seen; null before the first.</summary>
    public IntegrityReport? Seen { get; private set; }

    /// <summary>The last report of any host; null before the first.</summary>
    public async Task<IntegrityReport?> Last(CancellationToken ct)
    {
        if (await jobs.Last(Kind, "done", ct) is { Result: { } json })
        {
            Seen = JsonSerializer.Deserialize(json, OperationsJson.Wire.IntegrityReport);
        }

        return Seen;
    }

    /// <summary>Starts the checks as a job.</summary>
    public Task Start(Guid job, string? requestedBy, CancellationToken hostStopping, CancellationToken ct) => jobs.Start(
        (job, Kind, "log and read models", requestedBy),
        async (progress, stop) =>
        {
            // Each goes through the whole log: one after the other, however many are asked for.
            await turn.WaitAsync(stop);
            try
            {
                var now = clock.GetUtcNow();
                var report = await new IntegrityRun(database, log, projections).Run(now, SeedOf(now), new Told(progress), stop);
                await jobs.Prune(Kind, Kept, stop);
                return JsonSerializer.Serialize(report, OperationsJson.Wire.IntegrityReport);
            }
            finally
            {
                turn.Release();
            }
        },
        hostStopping,
        ct);

    /// <summary>
    /// A report that is at most so old: the last one, or one that is made now where that goes quickly. Where it does not, the last one as
    /// it is, while a new one is being made.
    /// </summary>
    /// <returns>Null where there is none yet and it takes longer than one would wait.</returns>
    public async Task<IntegrityReport?> Recent(TimeSpan atMost, TimeSpan patience, CancellationToken hostStopping, CancellationToken ct)
    {
        await one.WaitAsync(ct);
        try
        {
            var last = await Last(ct);
            if (last is not null && (clock.GetUtcNow() - last.At < atMost || last.Seconds > patience.TotalSeconds))
            {
                return last;
            }

            if (await jobs.Last(Kind, "running", ct) is not { State: "running", Id: var job })
            {
                job = Guid.CreateVersion7(clock.GetUtcNow());
                await Start(job, requestedBy: null, hostStopping, ct);
            }

            await Task.WhenAny(jobs.Ended(job), Task.Delay(patience, clock, ct));
            return await Last(ct);
        }
        finally
        {
            one.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        one.Dispose();
        turn.Dispose();
    }

    // Another sample each day, so that in time every part of the log is looked at.
    private static int SeedOf(DateTimeOffset now) => (int)(now - DateTimeOffset.UnixEpoch).TotalDays;

    private sealed class Told(IProgress<JobProgress> progress) : IProgress<IntegrityProgress>
    {
        public void Report(IntegrityProgress value) => progress.Report(new JobProgress(value.Step, (long)(value.Fraction * 100), 100));
    }
}

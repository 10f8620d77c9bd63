using System.Text.Json;
using Crm.EventStore.Jobs;

namespace Crm.EventStore.Projections;

/// <summary>Rebuilds that were started over HTTP. One that fails or is stopped leaves the live build as it was.</summary>
public sealed class RebuildJobs(RunningJobs jobs, Rebuilder rebuilder)
{
    /// <summary>Starts a rebuild as a job and answers at once.</summary>
    /// <param name="projection">The projection.</param>
    /// <param name="job">The job's id, made by the caller.</param>
    /// <param name="requestedBy">Who asked.</param>
    /// <param name="hostStopping">Cancels the rebuild: the live build goes on as it is.</param>
    /// <param name="ct">Cancels the start only.</param>
    public Task Start(
        Projection projection, Guid job, string? requestedBy, CancellationToken hostStopping, CancellationToken ct) => jobs.Start(
        (job, "rebuild", projection.Name, requestedBy),
        async (progress, stop) => JsonSerializer.Serialize(
            await rebuilder.Rebuild(projection, new Told(progress), stop), JsonSerializerOptions.Web),
        hostStopping,
        ct);

    private sealed class Told(IProgress<JobProgress> progress) : IProgress<RebuildProgress>
    {
        public void Report(RebuildProgress value) => progress.Report(new JobProgress(value.Phase, value.Done, value.Total));
    }
}

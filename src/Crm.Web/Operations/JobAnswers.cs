using System.Text;
using Crm.EventStore.Jobs;
using Crm.Web.Http;
using Npgsql;

namespace Crm.Web.Operations;

/// <summary>A long piece of work and how far it is.</summary>
public sealed record JobBody(
    Guid Id,
    string Kind,
    string Subject,
    string State,
    long Done,
    long? Total,
    string? Message,
    RawJson? Result,
    string? RequestedBy,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt)
{
    /// <summary>A job as clients see it.</summary>
    public static JobBody Of(Job job) => new(
        job.Id, job.Kind, job.Subject, job.State, job.Done, job.Total, job.Message,
        job.Result is { } result ? new RawJson(Encoding.UTF8.GetBytes(result)) : null,
        job.RequestedBy, job.CreatedAt, job.UpdatedAt);
}

/// <summary><c>GET /ops/jobs/{id}</c></summary>
public static class JobEndpoint
{
    /// <summary>Says how far a job is.</summary>
    public static async Task<IResult> Handle(Guid id, RunningJobs jobs, CancellationToken ct) =>
        await jobs.Find(id, ct) is { } job
            ? Answers.Json(JobBody.Of(job), OperationsJson.Wire.JobBody)
            : Problem.NotFound("There is no such job.").ToHttp();
}

/// <summary>What routes that start a job answer.</summary>
internal static class JobAnswers
{
    /// <summary>The job, started unless it is there: the host may have died between the receipt and the start.</summary>
    public static async Task<Job> Started(RunningJobs jobs, Guid job, Func<Task> start, CancellationToken ct)
    {
        if (await jobs.Find(job, ct) is { } there)
        {
            return there;
        }

        try
        {
            await start();
        }
        catch (PostgresException twice) when (twice.SqlState is PostgresErrorCodes.UniqueViolation)
        {
            // The same request at the same moment has started it.
        }

        return await jobs.Find(job, ct) ?? throw new InvalidOperationException($"Job {job} is not there.");
    }

    /// <summary>The job as it was accepted, however far it is by now: a repetition gets the same answer.</summary>
    public static IResult Accepted(Job job, bool replayed, HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status202Accepted;
        http.Response.Headers.Location = $"/api/v1/ops/jobs/{job.Id}";
        Answers.SayReplayed(http, replayed);
        var accepted = job with { State = "running", Done = 0, Total = null, Message = null, Result = null, UpdatedAt = job.CreatedAt };
        return Answers.Json(JobBody.Of(accepted), OperationsJson.Wire.JobBody);
    }
}

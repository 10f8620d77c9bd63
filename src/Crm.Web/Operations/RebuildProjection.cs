using System.Diagnostics;
using System.Text;
using Crm.Application;
using Crm.EventStore.Projections;
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

/// <summary><c>POST /ops/projections/{name}/rebuild</c></summary>
public static class RebuildProjectionEndpoint
{
    /// <summary>Starts a rebuild beside the live read model; answers 202 with the job's address.</summary>
    public static async Task<IResult> Handle(
        string name,
        HttpContext http,
        PostedOperation posted,
        OperationReceipts receipts,
        RebuildJobs rebuilds,
        IReadOnlyList<Projection> projections,
        IHostApplicationLifetime host,
        CancellationToken ct)
    {
        if (projections.FirstOrDefault(known => string.Equals(known.Name, name, StringComparison.Ordinal)) is not { } projection)
        {
            return Problem.NotFound("There is no such projection.").ToHttp();
        }

        var accepted = new OperationOutcome.Answered(202, Guid.CreateVersion7(posted.Context.Now), Body: null);
        return await receipts.Claim(accepted, posted.Context, ct) switch
        {
            OperationOutcome.Answered { Made: { } job, Replayed: var replayed } => Accepted(
                await Started(rebuilds, projection, job, posted.Actor, host.ApplicationStopping, ct), replayed, http),
            OperationOutcome.KeyReused => Problem.KeyReused.ToHttp(),
            OperationOutcome.InFlight => Problem.InFlight.ToHttp(),
            var unknown => throw new UnreachableException(unknown.ToString()),
        };
    }

    /// <summary>The job, started unless it is there: the host may have died between the receipt and the start.</summary>
    private static async Task<Job> Started(
        RebuildJobs rebuilds, Projection projection, Guid job, string? actor, CancellationToken hostStopping, CancellationToken ct)
    {
        if (await rebuilds.Find(job, ct) is { } there)
        {
            return there;
        }

        try
        {
            await rebuilds.Start(projection, job, actor, hostStopping, ct);
        }
        catch (PostgresException twice) when (twice.SqlState is PostgresErrorCodes.UniqueViolation)
        {
            // The same request at the same moment has started it.
        }

        return await rebuilds.Find(job, ct) ?? throw new InvalidOperationException($"Job {job} is not there.");
    }

    /// <summary>The job as it was accepted, however far it is by now: a repetition gets the same answer.</summary>
    private static IResult Accepted(Job job, bool replayed, HttpContext http)
    {
        http.Response.StatusCode = StatusCodes.Status202Accepted;
        http.Response.Headers.Location = $"/api/v1/ops/jobs/{job.Id}";
        Answers.SayReplayed(http, replayed);
        var accepted = job with { State = "running", Done = 0, Total = null, Message = null, Result = null, UpdatedAt = job.CreatedAt };
        return Answers.Json(JobBody.Of(accepted), OperationsJson.Wire.JobBody);
    }
}

/// <summary><c>GET /ops/jobs/{id}</c></summary>
public static class JobEndpoint
{
    /// <summary>Says how far a job is.</summary>
    public static async Task<IResult> Handle(Guid id, RebuildJobs rebuilds, CancellationToken ct) =>
        await rebuilds.Find(id, ct) is { } job
            ? Answers.Json(JobBody.Of(job), OperationsJson.Wire.JobBody)
            : Problem.NotFound("There is no such job.").ToHttp();
}

using System.Text;
using Crm.EventStore.Projections;
using Crm.Web.Http;

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
        RebuildJobs rebuilds,
        IReadOnlyList<Projection> projections,
        IHostApplicationLifetime host,
        CancellationToken ct)
    {
        if (projections.FirstOrDefault(known => string.Equals(known.Name, name, StringComparison.Ordinal)) is not { } projection)
        {
            return Problem.NotFound("There is no such projection.").ToHttp();
        }

        var job = Guid.CreateVersion7(RequestHeaders.Now(http));
        await rebuilds.Start(projection, job, RequestHeaders.Envelope(http).Actor, host.ApplicationStopping, ct);
        http.Response.StatusCode = StatusCodes.Status202Accepted;
        http.Response.Headers.Location = $"/api/v1/ops/jobs/{job}";
        var started = await rebuilds.Find(job, ct) ?? throw new InvalidOperationException($"Job {job} is not there.");
        return Answers.Json(JobBody.Of(started), OperationsJson.Wire.JobBody);
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

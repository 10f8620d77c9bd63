using System.Diagnostics;
using Crm.Application;
using Crm.EventStore.Jobs;
using Crm.EventStore.Projections;
using Crm.Web.Http;

namespace Crm.Web.Operations;

/// <summary><c>POST /ops/projections/{name}/rebuild</c></summary>
public static class RebuildProjectionEndpoint
{
    /// <summary>Starts a rebuild beside the live read model; answers 202 with the job's address.</summary>
    public static async Task<IResult> Handle(
        string name,
        HttpContext http,
        PostedOperation posted,
        OperationReceipts receipts,
        RunningJobs jobs,
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
            OperationOutcome.Answered { Made: { } job, Replayed: var replayed } => JobAnswers.Accepted(
                await JobAnswers.Started(
                    jobs, job, () => rebuilds.Start(projection, job, posted.Actor, host.ApplicationStopping, ct), ct),
                replayed,
                http),
            OperationOutcome.KeyReused => Problem.KeyReused.ToHttp(),
            OperationOutcome.InFlight => Problem.InFlight.ToHttp(),
            var unknown => throw new UnreachableException(unknown.ToString()),
        };
    }
}

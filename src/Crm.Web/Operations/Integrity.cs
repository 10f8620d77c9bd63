using System.Diagnostics;
using Crm.Application;
using Crm.Application.Integrity;
using Crm.EventStore.Jobs;
using Crm.Web.Http;

namespace Crm.Web.Operations;

/// <summary>What the integrity checks found, and how long ago.</summary>
/// <param name="At">When they were run.</param>
/// <param name="AgeSeconds">How long ago that is.</param>
/// <param name="Position">The log's last position then.</param>
/// <param name="Checks">How many checks there are.</param>
/// <param name="Passed">How many passed.</param>
/// <param name="PassRate">The share that passed, in percent.</param>
/// <param name="Seconds">How long they took.</param>
/// <param name="Items">The checks, each with its count of offenders.</param>
public sealed record IntegrityBody(
    DateTimeOffset At, double AgeSeconds, long Position, int Checks, int Passed, double PassRate, double Seconds,
    IReadOnlyList<IntegrityResult> Items);

/// <summary><c>GET /ops/integrity</c></summary>
public static class IntegrityEndpoint
{
    private static readonly TimeSpan fresh = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan firstPatience = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Answers the checks: made now where that takes less than two seconds, else as they were last made; each day, or when asked by
    /// <c>POST</c>.
    /// </summary>
    public static async Task<IResult> Handle(
        IntegrityReports reports, TimeProvider clock, IHostApplicationLifetime host, CancellationToken ct)
    {
        var wait = await reports.Last(ct) is null ? firstPatience : patience;
        if (await reports.Recent(fresh, wait, host.ApplicationStopping, ct) is not { } report)
        {
            return Problem.Unavailable("The checks are being run for the first time.").ToHttp();
        }

        var age = Math.Round(Math.Max(0, (clock.GetUtcNow() - report.At).TotalSeconds), 1);
        return Answers.Json(
            new IntegrityBody(
                report.At, age, report.Position, report.Checks, report.Passed, report.PassRate, report.Seconds, report.Items),
            OperationsJson.Wire.IntegrityBody);
    }
}

/// <summary><c>POST /ops/integrity</c></summary>
public static class RunIntegrityEndpoint
{
    /// <summary>Runs the checks anew; answers 202 with the job's address.</summary>
    public static async Task<IResult> Handle(
        HttpContext http,
        PostedOperation posted,
        OperationReceipts receipts,
        RunningJobs jobs,
        IntegrityReports reports,
        IHostApplicationLifetime host,
        CancellationToken ct)
    {
        var accepted = new OperationOutcome.Answered(202, Guid.CreateVersion7(posted.Context.Now), Body: null);
        return await receipts.Claim(accepted, posted.Context, ct) switch
        {
            OperationOutcome.Answered { Made: { } job, Replayed: var replayed } => JobAnswers.Accepted(
                await JobAnswers.Started(
                    jobs, job, () => reports.Start(job, posted.Actor, host.ApplicationStopping, ct), ct),
                replayed,
                http),
            OperationOutcome.KeyReused => Problem.KeyReused.ToHttp(),
            OperationOutcome.InFlight => Problem.InFlight.ToHttp(),
            var unknown => throw new UnreachableException(unknown.ToString()),
        };
    }
}

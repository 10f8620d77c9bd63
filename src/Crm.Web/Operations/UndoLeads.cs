using System.Diagnostics;
using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.EventStore.Jobs;
using Crm.Projections;
using Crm.Web.Http;
using Crm.Web.Leads;
using FluentValidation;

namespace Crm.Web.Operations;

/// <summary>Whose changes to leads are undone, in which window, why, and whether only to say what would happen.</summary>
/// <param name="Actor">What this actor did.</param>
/// <param name="ApiKeyId">What was done by this API key.</param>
/// <param name="CorrelationId">What belongs to this request or workflow.</param>
/// <param name="OperationId">What was part of this operation.</param>
/// <param name="From">Only what the log took at this time or later.</param>
/// <param name="To">Only what the log took at this time or before.</param>
/// <param name="Reason">Why.</param>
/// <param name="DryRun">Whether to write nothing.</param>
public sealed record UndoRequest(
    string? Actor = null,
    string? ApiKeyId = null,
    string? CorrelationId = null,
    string? OperationId = null,
    DateTimeOffset? From = null,
    DateTimeOffset? To = null,
    string? Reason = null,
    bool DryRun = false) : IRequestBody<UndoRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<UndoRequest> Json => OperationsJson.Wire.UndoRequest;

    /// <inheritdoc/>
    public static IValidator<UndoRequest>? Validator { get; } = new UndoRequestValidator();

    internal UndoWindow Window => new(
        new AuditSelection { Actor = Actor, ApiKeyId = ApiKeyId, CorrelationId = CorrelationId, OperationId = OperationId }, From, To);
}

/// <summary>Somebody must be named, and the window must not end before it begins.</summary>
public sealed class UndoRequestValidator : AbstractValidator<UndoRequest>
{
    private const int LongestName = 200;

    /// <summary>The checks.</summary>
    public UndoRequestValidator()
    {
        RuleFor(request => request.Actor).AtMost(LongestName).Must((request, _) => !request.Window.Selection.IsEmpty)
            .WithErrorCode("required").WithMessage("or apiKeyId, correlationId or operationId is required.")
            .Must((request, _) => Named(request) < 2)
            .WithErrorCode("only-one").WithMessage("and apiKeyId, correlationId and operationId exclude each other: say exactly one.");
        RuleFor(request => request.ApiKeyId).AtMost(LongestName);
        RuleFor(request => request.CorrelationId).AtMost(LongestName);
        RuleFor(request => request.OperationId).AtMost(LongestName);
        RuleFor(request => request.Reason).AtMost(LeadLimits.Reason);
        RuleFor(request => request.To).Must(static (request, to) => to is null || request.From is null || request.From <= to)
            .WithErrorCode("out-of-range").WithMessage("lies before from.");
    }

    private static int Named(UndoRequest request) =>
        new[] { request.Actor, request.ApiKeyId, request.CorrelationId, request.OperationId }.Count(static each => each is not null);
}

/// <summary><c>POST /ops/undo</c></summary>
public static class UndoLeadsEndpoint
{
    /// <summary>Starts an undo; answers 202 with the job's address.</summary>
    public static async Task<IResult> Handle(
        HttpContext http,
        Posted<UndoRequest> posted,
        OperationReceipts receipts,
        RunningJobs jobs,
        UndoJobs undo,
        IHostApplicationLifetime host,
        CancellationToken ct)
    {
        var accepted = new OperationOutcome.Answered(202, Guid.CreateVersion7(posted.Context.Now), Body: null);
        return await receipts.Claim(accepted, posted.Context, ct) switch
        {
            OperationOutcome.Answered { Made: { } job, Replayed: var replayed } => JobAnswers.Accepted(
                await JobAnswers.Started(jobs, job, () => undo.Start(job, posted, host.ApplicationStopping, ct), ct), replayed, http),
            OperationOutcome.KeyReused => Problem.KeyReused.ToHttp(),
            OperationOutcome.InFlight => Problem.InFlight.ToHttp(),
            var unknown => throw new UnreachableException(unknown.ToString()),
        };
    }
}

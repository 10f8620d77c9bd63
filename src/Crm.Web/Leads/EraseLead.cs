using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Erasure;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>Why a person is erased, and on whose demand: both are kept. A dry run says what would be erased, and erases nothing.</summary>
public sealed record EraseLeadRequest(string? Reason = null, string? RequestedBy = null, bool DryRun = false) : IRequestBody<EraseLeadRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<EraseLeadRequest> Json => LeadsJson.Wire.EraseLeadRequest;

    /// <inheritdoc/>
    public static IValidator<EraseLeadRequest>? Validator { get; } = new EraseLeadRequestValidator();
}

/// <summary>Both texts, and lengths.</summary>
public sealed class EraseLeadRequestValidator : AbstractValidator<EraseLeadRequest>
{
    /// <summary>The checks.</summary>
    public EraseLeadRequestValidator()
    {
        RuleFor(request => request.Reason).Present().AtMost(LeadLimits.Reason);
        RuleFor(request => request.RequestedBy).Present().AtMost(LeadLimits.Name);
    }
}

/// <summary>What an erasure would take.</summary>
/// <param name="Id">The lead.</param>
/// <param name="Version">Its version, for <c>If-Match</c> on the erasure itself.</param>
/// <param name="DryRun">Always true.</param>
/// <param name="Places">What stands where.</param>
public sealed record ErasurePreviewBody(Guid Id, long Version, bool DryRun, IReadOnlyList<ErasurePlace> Places);

/// <summary><c>POST /leads/{id}/erase</c></summary>
public static class EraseLeadEndpoint
{
    /// <summary>Erases the person behind a lead, or says what that would take.</summary>
    public static async Task<IResult> Handle(
        Guid id, Posted<EraseLeadRequest> request, CommandRunner commands, EventLog log, ErasureCheck check, CancellationToken ct)
    {
        var (reason, requestedBy, dryRun) = (request.Body.Reason ?? "", request.Body.RequestedBy ?? "", request.Body.DryRun);
        if (dryRun)
        {
            return await Preview(id, reason, requestedBy, log, check, ct);
        }

        // The reason stands in the event alone: in the envelope it would be sealed under the key that goes.
        var result = await commands.Run(
            LeadStream.Kind,
            id,
            history => new EraseLead(reason, requestedBy, PersonTraces.Of(history.Select(static recorded => (LeadEvent)recorded.Data)))
            {
                KeyWasLost = history.IsKeyLost,
            },
            request.Context with { GoesWithoutKey = true },
            ct);
        return result.ToHttp();
    }

    private static async Task<IResult> Preview(
        Guid id, string reason, string requestedBy, EventLog log, ErasureCheck check, CancellationToken ct)
    {
        var history = await log.ReadStreamToErase(id, ct);
        var happened = history.Select(static recorded => recorded.Data).OfType<LeadEvent>().ToList();
        var decision = new EraseLead(reason, requestedBy, PersonTraces.Of(happened)).Decide(Lead.Aggregate.Fold(happened));
        return decision.Refusal is { } refusal
            ? Problem.Of(refusal).ToHttp()
            : Answers.Json(
                new ErasurePreviewBody(id, history.Count, DryRun: true, await check.Places(id, history, ct)), LeadsJson.Wire.ErasurePreviewBody);
    }
}

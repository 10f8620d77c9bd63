using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>Which agent a lead goes to, and why.</summary>
public sealed record TransferLeadRequest(Guid? AgentId = null, string? Reason = null) : IRequestBody<TransferLeadRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<TransferLeadRequest> Json => LeadsJson.Wire.TransferLeadRequest;

    /// <inheritdoc/>
    public static IValidator<TransferLeadRequest>? Validator { get; } = new TransferLeadRequestValidator();
}

/// <summary>The agent must be named.</summary>
public sealed class TransferLeadRequestValidator : AbstractValidator<TransferLeadRequest>
{
    /// <summary>The checks.</summary>
    public TransferLeadRequestValidator()
    {
        RuleFor(request => request.AgentId).Required();
        RuleFor(request => request.Reason).AtMost(LeadLimits.Reason);
    }
}

/// <summary><c>POST /leads/{id}/transfer</c></summary>
public static class TransferLeadEndpoint
{
    /// <summary>Hands a lead from its agent to another.</summary>
    public static async Task<IResult> Handle(
        Guid id, Posted<TransferLeadRequest> request, CommandRunner commands, EventLog log, CancellationToken ct)
    {
        var (agentId, reason) = request.Body;
        var agent = await log.FindAgent(agentId.GetValueOrDefault(), ct);
        return (await commands.Run(LeadStream.Kind, id, new TransferLead(agent, reason), request.Because(reason), ct)).ToHttp();
    }
}

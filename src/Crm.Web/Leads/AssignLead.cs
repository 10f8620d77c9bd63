using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>Which agent a lead is given to.</summary>
public sealed record AssignLeadRequest(Guid? AgentId = null) : IRequestBody<AssignLeadRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<AssignLeadRequest> Json => LeadsJson.Wire.AssignLeadRequest;

    /// <inheritdoc/>
    public static IValidator<AssignLeadRequest>? Validator { get; } = new AssignLeadRequestValidator();
}

/// <summary>The agent must be named.</summary>
public sealed class AssignLeadRequestValidator : AbstractValidator<AssignLeadRequest>
{
    /// <summary>The checks.</summary>
    public AssignLeadRequestValidator() => RuleFor(request => request.AgentId).Required();
}

/// <summary><c>POST /leads/{id}/assign</c></summary>
public static class AssignLeadEndpoint
{
    /// <summary>Gives a lead to an agent.</summary>
    public static async Task<IResult> Handle(
        Guid id, Posted<AssignLeadRequest> request, CommandRunner commands, EventLog log, CancellationToken ct)
    {
        var agent = await log.FindAgent(request.Body.AgentId.GetValueOrDefault(), ct);
        return (await commands.Run(LeadStream.Kind, id, new AssignLead(agent), request.Context, ct)).ToHttp();
    }
}

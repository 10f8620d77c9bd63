using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>What is known of somebody who may buy.</summary>
public sealed record CaptureLeadRequest(
    Guid? Id = null,
    string? FirstName = null,
    string? LastName = null,
    string? Email = null,
    string? Phone = null,
    string? Company = null,
    string? Source = null,
    MoneyBody? Value = null,
    IReadOnlyList<string>? Tags = null,
    string? ExternalId = null,
    Guid? OwnerId = null) : IRequestBody<CaptureLeadRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<CaptureLeadRequest> Json => LeadsJson.Wire.CaptureLeadRequest;

    /// <inheritdoc/>
    public static IValidator<CaptureLeadRequest>? Validator { get; } = new CaptureLeadRequestValidator();

    /// <summary>The details as the domain knows them.</summary>
    public LeadDetails ToDetails() => new(FirstName, LastName, Email, Phone, Company, Source, MoneyBody.ToMoney(Value), Tags ?? [], ExternalId);
}

/// <summary>Lengths and presence; which fields a lead needs and what an address looks like is the domain's to say.</summary>
public sealed class CaptureLeadRequestValidator : AbstractValidator<CaptureLeadRequest>
{
    /// <summary>The checks.</summary>
    public CaptureLeadRequestValidator()
    {
        RuleFor(request => request.Id).NotEqual(Guid.Empty).WithErrorCode("invalid").WithMessage("is no id.");
        RuleFor(request => request.FirstName).AtMost(LeadLimits.Name);
        RuleFor(request => request.LastName).AtMost(LeadLimits.Name);
        RuleFor(request => request.Email).AtMost(LeadLimits.Email);
        RuleFor(request => request.Phone).AtMost(LeadLimits.Phone);
        RuleFor(request => request.Company).AtMost(LeadLimits.Company);
        RuleFor(request => request.Source).AtMost(LeadLimits.Source);
        RuleFor(request => request.ExternalId).AtMost(LeadLimits.ExternalId);
        RuleFor(request => request.Value!).SetValidator(new MoneyBodyValidator()).When(request => request.Value is not null); // checked by When
        RuleFor(request => request.Tags).TagsOnly();
    }
}

/// <summary><c>POST /leads</c></summary>
public static class CaptureLeadEndpoint
{
    /// <summary>Captures a lead: an agent's own where it names nobody, else nobody's. That who asks is active has been looked up already.</summary>
    public static async Task<IResult> Handle(Posted<CaptureLeadRequest> request, CommandRunner commands, EventLog log, CancellationToken ct)
    {
        var scope = request.Context.Scope;
        var owner = request.Body.OwnerId is { } agent && agent != scope.UserId ? await log.FindAgent(agent, ct)
            : request.Body.OwnerId is not null || scope.KeepsWhatIsCaptured ? new Agent(scope.UserId, Exists: true, IsActive: true)
            : null;
        var id = request.Body.Id ?? Guid.CreateVersion7(request.Context.Now);
        var result = await commands.Begin(LeadStream.Kind, id, new CaptureLead(request.Body.ToDetails(), owner), request.Context, ct);
        return result.ToHttp("/api/v1/leads/");
    }
}

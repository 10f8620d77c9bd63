using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>To which earlier state a lead goes back: a version or a time, and why.</summary>
public sealed record RestoreLeadRequest(long? Version = null, DateTimeOffset? AsOf = null, string? Reason = null) : IRequestBody<RestoreLeadRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<RestoreLeadRequest> Json => LeadsJson.Wire.RestoreLeadRequest;

    /// <inheritdoc/>
    public static IValidator<RestoreLeadRequest>? Validator { get; } = new RestoreLeadRequestValidator();
}

/// <summary>A version or a time, not both.</summary>
public sealed class RestoreLeadRequestValidator : AbstractValidator<RestoreLeadRequest>
{
    /// <summary>The checks.</summary>
    public RestoreLeadRequestValidator()
    {
        RuleFor(request => request.Version).Must((request, version) => (version is null) != (request.AsOf is null))
            .WithErrorCode("required").WithMessage("or asOf is required, and not both.");
        RuleFor(request => request.Reason).AtMost(LeadLimits.Reason);
    }
}

/// <summary><c>POST /leads/{id}/restore</c></summary>
public static class RestoreLeadEndpoint
{
    /// <summary>Puts a lead back to an earlier state by new events.</summary>
    public static async Task<IResult> Handle(Guid id, Posted<RestoreLeadRequest> request, CommandRunner commands, CancellationToken ct)
    {
        var (version, asOf, reason) = request.Body;
        var result = await commands.Run(
            LeadStream.Kind,
            id,
            history => asOf is { } time
                ? EarlierState.RestoreToTime(history, time, reason)
                : EarlierState.RestoreToVersion(history, version.GetValueOrDefault(), reason),
            request.Because(reason),
            ct);
        return result.ToHttp();
    }
}

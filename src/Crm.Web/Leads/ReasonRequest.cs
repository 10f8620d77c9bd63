using System.Text.Json.Serialization.Metadata;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>Why something is done; may be left out.</summary>
public sealed record ReasonRequest(string? Reason = null) : IRequestBody<ReasonRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<ReasonRequest> Json => LeadsJson.Wire.ReasonRequest;

    /// <inheritdoc/>
    public static IValidator<ReasonRequest>? Validator { get; } = new ReasonRequestValidator();

    /// <inheritdoc/>
    public static ReasonRequest? WhenEmpty { get; } = new();
}

/// <summary>Lengths.</summary>
public sealed class ReasonRequestValidator : AbstractValidator<ReasonRequest>
{
    /// <summary>The checks.</summary>
    public ReasonRequestValidator() => RuleFor(request => request.Reason).AtMost(LeadLimits.Reason);
}

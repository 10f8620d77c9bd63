using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>A score set by hand; none leaves the rules' score.</summary>
public sealed record QualifyLeadRequest(int? Score = null) : IRequestBody<QualifyLeadRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<QualifyLeadRequest> Json => LeadsJson.Wire.QualifyLeadRequest;

    /// <inheritdoc/>
    public static IValidator<QualifyLeadRequest>? Validator { get; } = new QualifyLeadRequestValidator();

    /// <inheritdoc/>
    public static QualifyLeadRequest? WhenEmpty { get; } = new();
}

/// <summary>A score is 0–100.</summary>
public sealed class QualifyLeadRequestValidator : AbstractValidator<QualifyLeadRequest>
{
    /// <summary>The checks.</summary>
    public QualifyLeadRequestValidator() => RuleFor(request => request.Score).Must(score => score is null or (>= 0 and <= 100))
        .WithErrorCode("out-of-range").WithMessage("is a whole number from 0 to 100.");
}

/// <summary><c>POST /leads/{id}/qualify</c></summary>
public static class QualifyLeadEndpoint
{
    /// <summary>Finds a lead worth a salesperson's time.</summary>
    public static async Task<IResult> Handle(Guid id, Posted<QualifyLeadRequest> request, CommandRunner commands, CancellationToken ct) =>
        (await commands.Run(LeadStream.Kind, id, new QualifyLead(request.Body.Score), request.Context, ct)).ToHttp();
}

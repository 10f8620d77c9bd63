using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>A contact that took place.</summary>
public sealed record LogActivityRequest(
    ActivityKind? Kind = null,
    ActivityDirection? Direction = null,
    DateTimeOffset? At = null,
    string? Subject = null,
    string? Notes = null,
    int? DurationSeconds = null,
    string? Outcome = null) : IRequestBody<LogActivityRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<LogActivityRequest> Json => LeadsJson.Wire.LogActivityRequest;

    /// <inheritdoc/>
    public static IValidator<LogActivityRequest>? Validator { get; } = new LogActivityRequestValidator();
}

/// <summary>What, in which direction and when must be there.</summary>
public sealed class LogActivityRequestValidator : AbstractValidator<LogActivityRequest>
{
    /// <summary>The checks.</summary>
    public LogActivityRequestValidator()
    {
        RuleFor(request => request.Kind).Required();
        RuleFor(request => request.Direction).Required();
        RuleFor(request => request.At).Required();
        RuleFor(request => request.Subject).AtMost(LeadLimits.Name);
        RuleFor(request => request.Notes).AtMost(LeadLimits.Text);
        RuleFor(request => request.Outcome).AtMost(LeadLimits.Reason);
        RuleFor(request => request.DurationSeconds).Must(seconds => seconds is null or >= 0)
            .WithErrorCode("out-of-range").WithMessage("is negative.");
    }
}

/// <summary><c>POST /leads/{id}/activities</c></summary>
public static class LogActivityEndpoint
{
    /// <summary>Logs a contact that took place.</summary>
    public static async Task<IResult> Handle(Guid id, Posted<LogActivityRequest> request, CommandRunner commands, CancellationToken ct)
    {
        var body = request.Body;
        var now = request.Context.Now;
        var command = new LogActivity(
            Guid.CreateVersion7(now), body.Kind.GetValueOrDefault(), body.Direction.GetValueOrDefault(), body.At.GetValueOrDefault(), now)
        {
            Subject = body.Subject,
            Notes = body.Notes,
            DurationSeconds = body.DurationSeconds,
            Outcome = body.Outcome,
        };
        return (await commands.Run(LeadStream.Kind, id, command, request.Context, ct)).ToHttp();
    }
}

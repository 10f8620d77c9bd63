using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Domain.Leads;
using Crm.Web.Http;
using Crm.Web.Security;
using FluentValidation;

namespace Crm.Web.Leads;

/// <summary>What came of an assignment.</summary>
public sealed record CompleteAssignmentRequest(string? Outcome = null) : IRequestBody<CompleteAssignmentRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<CompleteAssignmentRequest> Json => LeadsJson.Wire.CompleteAssignmentRequest;

    /// <inheritdoc/>
    public static IValidator<CompleteAssignmentRequest>? Validator { get; } = new CompleteAssignmentRequestValidator();

    /// <inheritdoc/>
    public static CompleteAssignmentRequest? WhenEmpty { get; } = new();
}

/// <summary>Lengths.</summary>
public sealed class CompleteAssignmentRequestValidator : AbstractValidator<CompleteAssignmentRequest>
{
    /// <summary>The checks.</summary>
    public CompleteAssignmentRequestValidator() => RuleFor(request => request.Outcome).AtMost(LeadLimits.Reason);
}

/// <summary><c>POST /leads/{id}/complete-assignment</c></summary>
public static class CompleteAssignmentEndpoint
{
    /// <summary>Completes the assignment; managers and admins may do so for any agent.</summary>
    public static async Task<IResult> Handle(
        Guid id, HttpContext http, Posted<CompleteAssignmentRequest> request, CommandRunner commands, CancellationToken ct)
    {
        var mayActForOthers = http.User.IsInRole(Roles.Manager) || http.User.IsInRole(Roles.Admin);
        var command = new CompleteAssignment(request.ActorId, mayActForOthers, request.Body.Outcome);
        return (await commands.Run(LeadStream.Kind, id, command, request.Context, ct)).ToHttp();
    }
}

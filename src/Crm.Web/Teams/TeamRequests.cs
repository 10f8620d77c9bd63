using System.Text.Json.Serialization.Metadata;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Teams;

/// <summary>The body of <c>POST /teams</c>.</summary>
/// <param name="Id">The id it is to have; left out, one is made.</param>
/// <param name="Name">Its name; no two teams share one.</param>
public sealed record FormTeamRequest(string Name, Guid? Id = null) : IRequestBody<FormTeamRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<FormTeamRequest> Json => TeamsJson.Wire.FormTeamRequest;

    /// <inheritdoc/>
    public static IValidator<FormTeamRequest> Validator { get; } = new FormTeamRequestValidator();
}

/// <summary>Checks the shape.</summary>
public sealed class FormTeamRequestValidator : AbstractValidator<FormTeamRequest>
{
    /// <summary>The checks.</summary>
    public FormTeamRequestValidator()
    {
        RuleFor(request => request.Id).NotEqual(Guid.Empty).WithErrorCode("invalid").WithMessage("is no id.");
        RuleFor(request => request.Name).Present().AtMost(200);
    }
}

/// <summary>The body of <c>PATCH /teams/{id}</c>.</summary>
/// <param name="Name">The name from now on.</param>
public sealed record RenameTeamRequest(string Name) : IRequestBody<RenameTeamRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<RenameTeamRequest> Json => TeamsJson.Wire.RenameTeamRequest;

    /// <inheritdoc/>
    public static IValidator<RenameTeamRequest> Validator { get; } = new RenameTeamRequestValidator();

    /// <inheritdoc/>
    public static string OtherMediaType => "application/merge-patch+json";
}

/// <summary>Checks the shape.</summary>
public sealed class RenameTeamRequestValidator : AbstractValidator<RenameTeamRequest>
{
    /// <summary>The checks.</summary>
    public RenameTeamRequestValidator() => RuleFor(request => request.Name).Present().AtMost(200);
}

/// <summary>The body of <c>POST /teams/{id}/members</c>.</summary>
/// <param name="UserId">Who joins.</param>
public sealed record AddMemberRequest(Guid? UserId = null) : IRequestBody<AddMemberRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<AddMemberRequest> Json => TeamsJson.Wire.AddMemberRequest;

    /// <inheritdoc/>
    public static IValidator<AddMemberRequest> Validator { get; } = new AddMemberRequestValidator();
}

/// <summary>The user must be named.</summary>
public sealed class AddMemberRequestValidator : AbstractValidator<AddMemberRequest>
{
    /// <summary>The checks.</summary>
    public AddMemberRequestValidator() => RuleFor(request => request.UserId).Required();
}

/// <summary>The body of <c>POST /teams/{id}/disband</c>; it may be left out.</summary>
/// <param name="Reason">Why.</param>
public sealed record DisbandTeamRequest(string? Reason = null) : IRequestBody<DisbandTeamRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<DisbandTeamRequest> Json => TeamsJson.Wire.DisbandTeamRequest;

    /// <inheritdoc/>
    public static IValidator<DisbandTeamRequest> Validator { get; } = new DisbandTeamRequestValidator();

    /// <inheritdoc/>
    public static DisbandTeamRequest WhenEmpty { get; } = new();
}

/// <summary>Checks the shape.</summary>
public sealed class DisbandTeamRequestValidator : AbstractValidator<DisbandTeamRequest>
{
    /// <summary>The checks.</summary>
    public DisbandTeamRequestValidator() => RuleFor(request => request.Reason).AtMost(1_000);
}

using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Users;
using Crm.Domain.Users;
using Crm.Web.Http;
using Crm.Web.Security;
using FluentValidation;

namespace Crm.Web.Users;

/// <summary>The body of <c>PATCH /users/{id}</c>: what is to change.</summary>
/// <param name="Name">The name from now on; left out, it stays.</param>
/// <param name="Role">The role from now on; left out, it stays.</param>
/// <param name="Oversight">Whose leads the user oversees as a manager; left out, it stays.</param>
public sealed record ChangeUserRequest(string? Name = null, Role? Role = null, Oversight? Oversight = null) : IRequestBody<ChangeUserRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<ChangeUserRequest> Json => SecurityJson.Wire.ChangeUserRequest;

    /// <inheritdoc/>
    public static IValidator<ChangeUserRequest> Validator { get; } = new ChangeUserRequestValidator();

    /// <inheritdoc/>
    public static string OtherMediaType => "application/merge-patch+json";
}

/// <summary>Checks the shape.</summary>
public sealed class ChangeUserRequestValidator : AbstractValidator<ChangeUserRequest>
{
    /// <summary>The checks.</summary>
    public ChangeUserRequestValidator() => RuleFor(request => request.Name).Present().AtMost(200).When(request => request.Name is not null);
}

/// <summary>Changes a user's name, role and oversight, all or nothing.</summary>
public static class ChangeUserEndpoint
{
    /// <summary>Answers the events that followed.</summary>
    public static async Task<IResult> Handle(
        Guid id, Posted<ChangeUserRequest> posted, CommandRunner commands, LastAdmin lastAdmin, CancellationToken ct)
    {
        var (name, role, oversight) = posted.Body;
        var result = role is null or Role.Admin
            ? await commands.Run(UserStream.Kind, id, new ChangeUser(name, role, IsLastAdmin: false, oversight), posted.Context, ct)
            : await lastAdmin.Run(id, isLast => new ChangeUser(name, role, isLast, oversight), posted.Context, ct);
        return result.ToHttp();
    }
}

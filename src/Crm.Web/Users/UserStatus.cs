using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.Users;
using Crm.Domain.Access;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Crm.Web.Security;
using FluentValidation;

namespace Crm.Web.Users;

/// <summary>The body of <c>POST /users/{id}/deactivate</c> and <c>/activate</c>; it may be left out.</summary>
/// <param name="Reason">Why.</param>
public sealed record UserStatusRequest(string? Reason = null) : IRequestBody<UserStatusRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<UserStatusRequest> Json => SecurityJson.Wire.UserStatusRequest;

    /// <inheritdoc/>
    public static IValidator<UserStatusRequest> Validator { get; } = new UserStatusRequestValidator();

    /// <inheritdoc/>
    public static UserStatusRequest WhenEmpty { get; } = new();
}

/// <summary>Checks the shape.</summary>
public sealed class UserStatusRequestValidator : AbstractValidator<UserStatusRequest>
{
    /// <summary>The checks.</summary>
    public UserStatusRequestValidator() => RuleFor(request => request.Reason).AtMost(1_000);
}

/// <summary>Shuts a user out.</summary>
public static class DeactivateUserEndpoint
{
    /// <summary>From the append on, the user cannot sign in or renew a session; tokens in use end within seconds on every host.</summary>
    public static async Task<IResult> Handle(
        Guid id, Posted<UserStatusRequest> posted, LastAdmin lastAdmin, Sessions sessions, CancellationToken ct)
    {
        var reason = posted.Body.Reason;
        var result = await lastAdmin.Run(
            id, isLast => new DeactivateUser(IsOwnAccount: posted.ActorId == id, isLast, reason), posted.Because(reason), ct);
        if (result is CommandResult.Done)
        {
            await sessions.EndAllOf(id, SessionEnding.EndedByAdmin, ct);
        }

        return result.ToHttp();
    }
}

/// <summary>Lets a user in again.</summary>
public static class ActivateUserEndpoint
{
    /// <summary>The user may sign in again; no session from before comes back to life.</summary>
    public static async Task<IResult> Handle(
        Guid id, Posted<UserStatusRequest> posted, CommandRunner commands, EventLog log, Sessions sessions, CancellationToken ct)
    {
        if (!(await log.ReadUser(id, ct)).IsActive)
        {
            // Here too, and first: a host may have died between a deactivation and the end of the sessions.
            await sessions.EndAllOf(id, SessionEnding.EndedByAdmin, ct);
        }

        var reason = posted.Body.Reason;
        var result = await commands.Run(UserStream.Kind, id, new ActivateUser(reason), posted.Because(reason), ct);
        return result.ToHttp();
    }
}

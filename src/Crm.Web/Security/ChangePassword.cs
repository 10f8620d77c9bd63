using System.Text.Json.Serialization.Metadata;
using Crm.Domain.Access;
using Crm.EventStore.Log;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Security;

/// <summary>The body of <c>POST /auth/password</c>.</summary>
/// <param name="CurrentPassword">The password until now.</param>
/// <param name="NewPassword">The password from now on.</param>
public sealed record ChangePasswordRequest(string CurrentPassword, string NewPassword) : IRequestBody<ChangePasswordRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<ChangePasswordRequest> Json => SecurityJson.Wire.ChangePasswordRequest;

    /// <inheritdoc/>
    public static IValidator<ChangePasswordRequest> Validator { get; } = new ChangePasswordRequestValidator();

    /// <summary>Keeps the passwords out of whatever prints the record.</summary>
    public override string ToString() => nameof(ChangePasswordRequest);
}

/// <summary>Checks the shape, and that the new password may be chosen.</summary>
public sealed class ChangePasswordRequestValidator : AbstractValidator<ChangePasswordRequest>
{
    /// <summary>The checks.</summary>
    public ChangePasswordRequestValidator()
    {
        RuleFor(request => request.CurrentPassword).AtMost(PasswordRule.MaxCharacters);
        RuleFor(request => request.NewPassword).Password();
        RuleFor(request => request.NewPassword)
            .Must(static (request, password) => password != request.CurrentPassword)
            .WithErrorCode("same-as-before")
            .WithMessage("is the password that you have.");
    }
}

/// <summary>Changes the caller's password.</summary>
public static class ChangePasswordEndpoint
{
    /// <summary>Answers a new pair of tokens: every session from before ends, on every host.</summary>
    public static async Task<IResult> Handle(
        Posted<ChangePasswordRequest> posted,
        SignIns signIns,
        Credentials credentials,
        PasswordChanges changes,
        EventLog log,
        HttpContext http,
        CancellationToken ct)
    {
        var (current, next) = posted.Body;
        var userId = http.User.UserId();
        var user = await log.ReadUser(userId, ct);
        if (CommonPasswords.IsOwn(next, user.Name, user.Email))
        {
            return PasswordRule.IsTheirOwn("/newPassword").ToHttp();
        }

        // Before the password is compared: a credential that is replaced meanwhile is not the one that was proved.
        var old = await credentials.Find(userId, ct);
        var from = http.Connection.RemoteIpAddress;
        var envelope = posted.Context.Envelope;
        if (await signIns.Prove(userId, current, code: null, from, envelope, ct) is { } unproved)
        {
            return SecurityProblems.Unproved(unproved, "/currentPassword").ToHttp();
        }

        return old is not null && await changes.Change(old, next, envelope, ct) is { } credential
            ? LoginEndpoint.AnswerPair(http, await signIns.Begin(user, credential, from, SignInMethod.Password, envelope, ct))
            : SecurityProblems.Unproved(new SignInResult.Refused(), "/currentPassword").ToHttp();
    }
}

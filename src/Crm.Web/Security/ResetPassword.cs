using System.Text.Json.Serialization.Metadata;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Crm.Web.Users;
using FluentValidation;

namespace Crm.Web.Security;

/// <summary>Hands an admin a token with which a user may choose a password.</summary>
public static class IssuePasswordResetEndpoint
{
    /// <summary>
    /// Answers the token, this once. It is for the admin to bring it to the user: by mail it would be as safe as the mailbox, and the
    /// product sends none.
    /// </summary>
    public static async Task<IResult> Handle(
        Guid id,
        Posted<UserStatusRequest> posted,
        EventLog log,
        Credentials credentials,
        PasswordChanges changes,
        HttpContext http,
        CancellationToken ct)
    {
        var user = await log.ReadUser(id, ct);
        if (!user.Exists)
        {
            return SecurityProblems.NoSuchUser.ToHttp();
        }

        if (!user.IsActive || await credentials.Find(id, ct) is null)
        {
            return SecurityProblems.NoPassword.ToHttp();
        }

        var token = await changes.IssueToken(id, posted.Because(posted.Body.Reason).Envelope, ct);
        http.Response.StatusCode = 201;
        http.Response.Headers.CacheControl = "no-store";
        return Answers.Json(token, SecurityJson.Wire.PasswordResetToken);
    }
}

/// <summary>The body of <c>POST /auth/reset</c>.</summary>
/// <param name="Token">The token that an admin handed out.</param>
/// <param name="NewPassword">The password from now on.</param>
public sealed record ResetPasswordRequest(string Token, string NewPassword) : IRequestBody<ResetPasswordRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<ResetPasswordRequest> Json => SecurityJson.Wire.ResetPasswordRequest;

    /// <inheritdoc/>
    public static IValidator<ResetPasswordRequest> Validator { get; } = new ResetPasswordRequestValidator();

    /// <summary>Keeps token and password out of whatever prints the record.</summary>
    public override string ToString() => nameof(ResetPasswordRequest);
}

/// <summary>Checks the shape, and that the password may be chosen: a token is not used up by one that may not.</summary>
public sealed class ResetPasswordRequestValidator : AbstractValidator<ResetPasswordRequest>
{
    /// <summary>The checks.</summary>
    public ResetPasswordRequestValidator()
    {
        RuleFor(request => request.Token).Present().AtMost(200);
        RuleFor(request => request.NewPassword).Password();
    }
}

/// <summary>Lets a user choose a password by a token.</summary>
public static class ResetPasswordEndpoint
{
    /// <summary>Answers nothing: the user signs in with it, and with the second factor where there is one.</summary>
    public static async Task<IResult> Handle(
        Posted<ResetPasswordRequest> posted, PasswordChanges changes, EventLog log, SignInDelays delays, CancellationToken ct)
    {
        var (token, password) = posted.Body;
        if (await changes.HolderOf(token, ct) is not { } userId || await log.ReadUser(userId, ct) is not { IsActive: true } user)
        {
            return SecurityProblems.WrongResetToken.ToHttp();
        }

        if (CommonPasswords.IsOwn(password, user.Name, user.Email))
        {
            return PasswordRule.IsTheirOwn("/newPassword").ToHttp();
        }

        var envelope = posted.Context.Envelope with { Actor = userId.ToString() };
        if (!await changes.Reset(userId, token, password, envelope, ct))
        {
            return SecurityProblems.WrongResetToken.ToHttp();
        }

        if (user.Email is { } email)
        {
            await delays.Clear(email, ct);
        }

        return TypedResults.NoContent();
    }
}

using System.Text.Json.Serialization.Metadata;
using Crm.EventStore.Log;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.Security;

/// <summary>The body of <c>POST /me/second-factor</c>.</summary>
/// <param name="Password">The caller's password: whoever merely holds a token may not change how its user signs in.</param>
public sealed record OfferSecondFactorRequest(string Password) : IRequestBody<OfferSecondFactorRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<OfferSecondFactorRequest> Json => SecurityJson.Wire.OfferSecondFactorRequest;

    /// <inheritdoc/>
    public static IValidator<OfferSecondFactorRequest> Validator { get; } = new OfferSecondFactorRequestValidator();

    /// <summary>Keeps the password out of whatever prints the record.</summary>
    public override string ToString() => nameof(OfferSecondFactorRequest);
}

/// <summary>Checks the shape only.</summary>
public sealed class OfferSecondFactorRequestValidator : AbstractValidator<OfferSecondFactorRequest>
{
    /// <summary>The checks.</summary>
    public OfferSecondFactorRequestValidator() => RuleFor(request => request.Password).AtMost(PasswordRule.MaxCharacters);
}

/// <summary>A second factor that waits to be confirmed.</summary>
/// <param name="Secret">The shared secret in base 32, for those who type it.</param>
/// <param name="Uri">The same as an address that apps read.</param>
public sealed record OfferedSecondFactor(string Secret, string Uri)
{
    /// <summary>Keeps the secret out of whatever prints the record.</summary>
    public override string ToString() => nameof(OfferedSecondFactor);
}

/// <summary>Offers the caller a second factor.</summary>
public static class OfferSecondFactorEndpoint
{
    /// <summary>Answers the secret; it counts once it is confirmed.</summary>
    public static async Task<IResult> Handle(
        Posted<OfferSecondFactorRequest> posted,
        SignIns signIns,
        SecondFactors secondFactors,
        EventLog log,
        SecurityOptions options,
        HttpContext http,
        CancellationToken ct)
    {
        var userId = http.User.UserId();
        if (await signIns.Prove(
            userId, posted.Body.Password, code: null, http.Connection.RemoteIpAddress, posted.Context.Envelope, ct) is { } unproved)
        {
            return SecurityProblems.Unproved(unproved).ToHttp();
        }

        if (await secondFactors.Offer(userId, ct) is not { } secret)
        {
            return SecurityProblems.SecondFactorEnabled.ToHttp();
        }

        var account = (await log.ReadUser(userId, ct)).Email ?? userId.ToString();
        http.Response.StatusCode = 201;
        http.Response.Headers.CacheControl = "no-store";
        return Answers.Json(
            new OfferedSecondFactor(Totp.Base32(secret), Totp.Uri(options.Issuer, account, secret)), SecurityJson.Wire.OfferedSecondFactor);
    }
}

/// <summary>The body of <c>POST /me/second-factor/confirm</c>.</summary>
/// <param name="Code">The code that the app shows.</param>
public sealed record ConfirmSecondFactorRequest(string Code) : IRequestBody<ConfirmSecondFactorRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<ConfirmSecondFactorRequest> Json => SecurityJson.Wire.ConfirmSecondFactorRequest;

    /// <inheritdoc/>
    public static IValidator<ConfirmSecondFactorRequest> Validator { get; } = new ConfirmSecondFactorRequestValidator();
}

/// <summary>Checks the shape only.</summary>
public sealed class ConfirmSecondFactorRequestValidator : AbstractValidator<ConfirmSecondFactorRequest>
{
    /// <summary>The checks.</summary>
    public ConfirmSecondFactorRequestValidator() =>
        RuleFor(request => request.Code).Present().AtMost(SecondFactors.MaxCodeCharacters);
}

/// <summary>The recovery codes, which are shown once.</summary>
/// <param name="RecoveryCodes">Each stands in for the second factor once.</param>
public sealed record ShownRecoveryCodes(IReadOnlyList<string> RecoveryCodes)
{
    /// <summary>Keeps the codes out of whatever prints the record.</summary>
    public override string ToString() => nameof(ShownRecoveryCodes);
}

/// <summary>Takes the caller's second factor into use.</summary>
public static class ConfirmSecondFactorEndpoint
{
    /// <summary>Answers the recovery codes.</summary>
    public static async Task<IResult> Handle(
        Posted<ConfirmSecondFactorRequest> posted, SecondFactors secondFactors, HttpContext http, CancellationToken ct)
    {
        var userId = http.User.UserId();
        if (await secondFactors.Confirm(userId, posted.Body.Code, posted.Context.Envelope, ct) is { } codes)
        {
            http.Response.Headers.CacheControl = "no-store";
            return Answers.Json(new ShownRecoveryCodes(codes), SecurityJson.Wire.ShownRecoveryCodes);
        }

        return (await secondFactors.IsConfirmed(userId, ct) switch
        {
            true => SecurityProblems.SecondFactorEnabled,
            false => SecurityProblems.NoSecondFactor,
            null => SecurityProblems.Unproved(new SignInResult.WrongCode()),
        }).ToHttp();
    }
}

/// <summary>The body of <c>POST /me/second-factor/remove</c>.</summary>
/// <param name="Password">The caller's password.</param>
/// <param name="Code">A code of the second factor, or a recovery code.</param>
public sealed record RemoveSecondFactorRequest(string Password, string Code) : IRequestBody<RemoveSecondFactorRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<RemoveSecondFactorRequest> Json => SecurityJson.Wire.RemoveSecondFactorRequest;

    /// <inheritdoc/>
    public static IValidator<RemoveSecondFactorRequest> Validator { get; } = new RemoveSecondFactorRequestValidator();

    /// <summary>Keeps the password out of whatever prints the record.</summary>
    public override string ToString() => nameof(RemoveSecondFactorRequest);
}

/// <summary>Checks the shape only.</summary>
public sealed class RemoveSecondFactorRequestValidator : AbstractValidator<RemoveSecondFactorRequest>
{
    /// <summary>The checks.</summary>
    public RemoveSecondFactorRequestValidator()
    {
        RuleFor(request => request.Password).AtMost(PasswordRule.MaxCharacters);
        RuleFor(request => request.Code).Present().AtMost(SecondFactors.MaxCodeCharacters);
    }
}

/// <summary>Removes the caller's second factor.</summary>
public static class RemoveSecondFactorEndpoint
{
    /// <summary>Answers nothing: from now on the password alone signs the caller in.</summary>
    public static async Task<IResult> Handle(
        Posted<RemoveSecondFactorRequest> posted, SignIns signIns, SecondFactors secondFactors, HttpContext http, CancellationToken ct)
    {
        var userId = http.User.UserId();
        if (await secondFactors.IsConfirmed(userId, ct) is not true)
        {
            return SecurityProblems.NoSecondFactor.ToHttp();
        }

        var (password, code) = posted.Body;
        if (await signIns.Prove(
            userId, password, code, http.Connection.RemoteIpAddress, posted.Context.Envelope, ct) is { } unproved)
        {
            return SecurityProblems.Unproved(unproved).ToHttp();
        }

        await secondFactors.Remove(userId, posted.Context.Envelope, ct);
        return TypedResults.NoContent();
    }
}

using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using Crm.Domain;
using Crm.Domain.Users;
using Crm.Web.Http;
using Crm.Web.Security;
using FluentValidation;

namespace Crm.Web.Users;

/// <summary>The body of <c>POST /users</c>.</summary>
/// <param name="Name">The user's name, for people.</param>
/// <param name="Email">The address to sign in with; no two users share one.</param>
/// <param name="Password">The first password, 12 to 128 characters, and none that is guessed first.</param>
/// <param name="Role">What the user may do.</param>
/// <param name="Oversight">Whose leads the user oversees as a manager; the company's unless told.</param>
public sealed record RegisterUserRequest(
    string Name, string Email, string Password, Role Role, Oversight Oversight = Oversight.Company) : IRequestBody<RegisterUserRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<RegisterUserRequest> Json => SecurityJson.Wire.RegisterUserRequest;

    /// <inheritdoc/>
    public static IValidator<RegisterUserRequest> Validator { get; } = new RegisterUserRequestValidator();

    /// <summary>Keeps the password out of whatever prints the record.</summary>
    public override string ToString() => nameof(RegisterUserRequest);
}

/// <summary>Checks the shape.</summary>
public sealed class RegisterUserRequestValidator : AbstractValidator<RegisterUserRequest>
{
    /// <summary>The checks.</summary>
    public RegisterUserRequestValidator()
    {
        RuleFor(request => request.Name).Present().AtMost(200);
        RuleFor(request => request.Email).Must(EmailAddress.IsValid)
            .WithErrorCode("invalid-email").WithMessage("is not an e-mail address.");
        RuleFor(request => request.Password).Password().NotOwn(static request => (request.Name, request.Email));
    }
}

/// <summary>Registers a user.</summary>
public static class RegisterUserEndpoint
{
    /// <summary>Answers 201 with the new user's address.</summary>
    public static async Task<IResult> Handle(Posted<RegisterUserRequest> posted, UserRegistration registration, CancellationToken ct)
    {
        var (name, email, password, role, oversight) = posted.Body;

        // A receipt keeps the digest of its request for a day: one over the password could be guessed at far faster than its slow hash.
        var context = posted.Context with
        {
            Idempotency = posted.Context.Idempotency is { } request
                ? request with { RequestHash = SHA256.HashData(Encoding.UTF8.GetBytes($"POST /users\n{name}\n{email}\n{role}\n{oversight}")) }
                : null,
        };
        var result = await registration.Register(new RegisterUser(name, email, role, Oversight: oversight), password, context, ct);
        return result.ToHttp("/api/v1/users/");
    }
}

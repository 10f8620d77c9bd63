using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.ApiKeys;
using Crm.Domain.ApiKeys;
using Crm.Web.Http;
using FluentValidation;

namespace Crm.Web.ApiKeys;

/// <summary>The body of <c>POST /api-keys/{id}/revoke</c>; it may be left out.</summary>
/// <param name="Reason">Why.</param>
public sealed record RevokeApiKeyRequest(string? Reason = null) : IRequestBody<RevokeApiKeyRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<RevokeApiKeyRequest> Json => ApiKeysJson.Wire.RevokeApiKeyRequest;

    /// <inheritdoc/>
    public static IValidator<RevokeApiKeyRequest> Validator { get; } = new RevokeApiKeyRequestValidator();

    /// <inheritdoc/>
    public static RevokeApiKeyRequest WhenEmpty { get; } = new();
}

/// <summary>Checks the shape.</summary>
public sealed class RevokeApiKeyRequestValidator : AbstractValidator<RevokeApiKeyRequest>
{
    /// <summary>The checks.</summary>
    public RevokeApiKeyRequestValidator() => RuleFor(request => request.Reason).AtMost(1_000);
}

/// <summary>Ends an API key.</summary>
public static class RevokeApiKeyEndpoint
{
    /// <summary>From the append on, no new request with the key is admitted; hosts that have just seen it follow within seconds.</summary>
    public static async Task<IResult> Handle(Guid id, Posted<RevokeApiKeyRequest> posted, CommandRunner commands, CancellationToken ct) =>
        (await commands.Run(ApiKeyStream.Kind, id, new RevokeApiKey(), posted.Because(posted.Body.Reason), ct)).ToHttp();
}

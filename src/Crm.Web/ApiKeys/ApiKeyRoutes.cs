using System.Text.Json.Serialization;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.ApiKeys;

/// <summary>The routes of API keys.</summary>
public static class ApiKeyRoutes
{
    /// <summary>Maps them; all are for those who manage users, in person: no key makes keys.</summary>
    public static void MapApiKeys(this IEndpointRouteBuilder api)
    {
        var keys = api.MapGroup("/api-keys").RequireAuthorization(Policies.UsersManage, Policies.Person).WithTags("API keys");
        keys.MapPost("", IssueApiKeyEndpoint.Handle).WithSummary("Issue an API key; it is shown this once.")
            .Produces<IssuedApiKeyBody>(201).ProducesProblem(409).ProducesProblem(422);
        keys.MapGet("", ReadApiKeysEndpoint.List).Takes(ReadApiKeysEndpoint.Parameters).WithSummary("List API keys.").Produces<ApiKeyPage>();
        keys.MapGet("/{id:guid}", ReadApiKeysEndpoint.Get).WithSummary("Read an API key, without its secret.")
            .Produces<ApiKeyBody>().ProducesProblem(404);
        keys.MapPost("/{id:guid}/revoke", RevokeApiKeyEndpoint.Handle).WithSummary("End an API key, for good.")
            .Produces<CommandAnswerBody>().ProducesProblem(404);
    }
}

/// <summary>The JSON of API keys.</summary>
[JsonSerializable(typeof(IssueApiKeyRequest))]
[JsonSerializable(typeof(RevokeApiKeyRequest))]
[JsonSerializable(typeof(IssuedApiKeyBody))]
[JsonSerializable(typeof(ApiKeyBody))]
[JsonSerializable(typeof(ApiKeyPage))]
public sealed partial class ApiKeysJson : JsonSerializerContext
{
    /// <summary>The context with the wire's formats.</summary>
    public static ApiKeysJson Wire { get; } = new(WireFormats.Options());
}

namespace Crm.Domain.ApiKeys;

/// <summary>Ends an API key, for good.</summary>
public sealed record RevokeApiKey : ICommand<ApiKey, ApiKeyEvent>
{
    /// <inheritdoc/>
    public Decision<ApiKeyEvent> Decide(ApiKey key) => key switch
    {
        { Exists: false } => ApiKeyRefusals.NotFound,
        { IsRevoked: true } => default(NoChange),
        { IsRevoked: false } => new ApiKeyRevoked(),
    };
}

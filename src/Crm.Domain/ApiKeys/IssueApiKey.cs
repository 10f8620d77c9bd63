using Crm.Domain.Users;

namespace Crm.Domain.ApiKeys;

/// <summary>Issues an API key.</summary>
/// <param name="Name">What it is for, for people.</param>
/// <param name="UserId">The user whose rights it has at most.</param>
/// <param name="User">That user, looked up before the decision: a key of a user who has been shut out since opens nothing.</param>
/// <param name="Scopes">What it may be used for.</param>
/// <param name="ExpiresAt">When it ends by itself; null when it does not.</param>
/// <param name="ActsForOthers">Whether it may act on behalf of other users.</param>
/// <param name="Now">When it is issued.</param>
public sealed record IssueApiKey(
    string Name, Guid UserId, User User, IReadOnlyList<string> Scopes, DateTimeOffset? ExpiresAt, bool ActsForOthers, DateTimeOffset Now)
    : ICommand<ApiKey, ApiKeyEvent>
{
    /// <inheritdoc/>
    public Decision<ApiKeyEvent> Decide(ApiKey key) => key switch
    {
        { Exists: true } => ApiKeyRefusals.AlreadyExists,
        { Exists: false } when string.IsNullOrWhiteSpace(Name) => ApiKeyRefusals.NoName,
        { Exists: false } when Scopes.Count == 0 || !Scopes.All(ApiKeyScopes.All.Contains) => ApiKeyRefusals.UnknownScope,
        { Exists: false } when ExpiresAt <= Now => ApiKeyRefusals.Expired,
        { Exists: false } when !User.Exists => ApiKeyRefusals.UnknownUser,
        { Exists: false } when !User.IsActive => ApiKeyRefusals.UserInactive,
        { Exists: false } => new ApiKeyIssued(
            Name, UserId, [.. Scopes.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)], ExpiresAt, ActsForOthers),
    };
}

using System.Globalization;
using System.Text.Json.Serialization.Metadata;
using Crm.Application;
using Crm.Application.ApiKeys;
using Crm.Domain.ApiKeys;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Crm.Web.Security;
using FluentValidation;

namespace Crm.Web.ApiKeys;

/// <summary>The body of <c>POST /api-keys</c>.</summary>
/// <param name="Name">What the key is for, for people.</param>
/// <param name="Scopes">What it may be used for, such as <c>leads:read</c>.</param>
/// <param name="UserId">The user whose rights it has at most; left out, the caller.</param>
/// <param name="ExpiresAt">When it ends by itself; left out, it does not.</param>
/// <param name="ActsForOthers">Whether it may act for other users, named by the header <c>On-Behalf-Of</c>.</param>
public sealed record IssueApiKeyRequest(
    string Name, IReadOnlyList<string> Scopes, Guid? UserId = null, DateTimeOffset? ExpiresAt = null, bool ActsForOthers = false)
    : IRequestBody<IssueApiKeyRequest>
{
    /// <inheritdoc/>
    public static JsonTypeInfo<IssueApiKeyRequest> Json => ApiKeysJson.Wire.IssueApiKeyRequest;

    /// <inheritdoc/>
    public static IValidator<IssueApiKeyRequest> Validator { get; } = new IssueApiKeyRequestValidator();
}

/// <summary>Checks the shape.</summary>
public sealed class IssueApiKeyRequestValidator : AbstractValidator<IssueApiKeyRequest>
{
    /// <summary>The checks.</summary>
    public IssueApiKeyRequestValidator()
    {
        RuleFor(request => request.Name).Present().AtMost(200);
        RuleFor(request => request.Scopes).Must(static scopes => scopes is not null && scopes.All(ApiKeyScopes.All.Contains) && scopes.Count is > 0 and <= 100)
            .WithErrorCode(ApiKeyRefusals.UnknownScope.Code).WithMessage("names scopes that there are, at least one.");
    }
}

/// <summary>An API key that has just been issued.</summary>
/// <param name="Id">The key's id.</param>
/// <param name="Key">The key itself, this once: nobody can show it again. Left out where a request is repeated.</param>
/// <param name="Version">The stream's version now.</param>
/// <param name="Position">The log's position, for <c>After-Position</c>.</param>
/// <param name="Events">The stored names of the events, in order.</param>
public sealed record IssuedApiKeyBody(Guid Id, string? Key, long Version, long Position, IReadOnlyList<string> Events)
{
    /// <summary>Keeps the key out of whatever prints the record.</summary>
    public override string ToString() => nameof(IssuedApiKeyBody);
}

/// <summary>Issues an API key.</summary>
public static class IssueApiKeyEndpoint
{
    /// <summary>Answers 201 with the key, this once.</summary>
    public static async Task<IResult> Handle(
        Posted<IssueApiKeyRequest> posted, ApiKeys keys, CommandRunner commands, EventLog log, HttpContext http, CancellationToken ct)
    {
        var (name, scopes, userId, expiresAt, actsForOthers) = posted.Body;
        var owner = userId ?? posted.ActorId;
        var key = ApiKeyText.New(Guid.CreateVersion7(posted.Context.Now));
        var command = new IssueApiKey(name, owner, await log.ReadUser(owner, ct), scopes, expiresAt, actsForOthers, posted.Context.Now);

        // First the hash, then the stream: a crash in between leaves a hash that opens nothing.
        await keys.Add(key, ct);
        var result = await commands.Begin(ApiKeyStream.Kind, key.Id, command, posted.Context, ct);
        var isOurs = result is CommandResult.Done { Replayed: false } made && made.Id == key.Id;
        if (!isOurs)
        {
            await keys.Remove(key.Id, ct);
        }

        if (result is not CommandResult.Done done)
        {
            return result.ToHttp();
        }

        http.Response.StatusCode = StatusCodes.Status201Created;
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.ETag = string.Create(CultureInfo.InvariantCulture, $"\"{done.Version}\"");
        http.Response.Headers[ReadHeaders.EventPosition] = done.Position.ToString(CultureInfo.InvariantCulture);
        http.Response.Headers.Location = $"/api/v1/api-keys/{done.Id}";
        Answers.SayReplayed(http, done.Replayed);
        return Answers.Json(
            new IssuedApiKeyBody(done.Id, isOurs ? key.Text() : null, done.Version, done.Position, done.EventTypes), ApiKeysJson.Wire.IssuedApiKeyBody);
    }
}

using System.Globalization;
using Crm.Application.ApiKeys;
using Crm.Domain.ApiKeys;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.ApiKeys;

/// <summary>An API key as admins see it: everything but the key.</summary>
/// <param name="Id">The key's id.</param>
/// <param name="Name">What it is for, for people.</param>
/// <param name="UserId">The user whose rights it has at most.</param>
/// <param name="Scopes">What it may be used for.</param>
/// <param name="CreatedAt">When it was issued.</param>
/// <param name="ExpiresAt">When it ends by itself; null when it does not.</param>
/// <param name="RevokedAt">When it was ended; null when it was not.</param>
/// <param name="LastUsedAt">When it was last used, to the minute; null when it was not.</param>
/// <param name="ActsForOthers">Whether it may act for other users.</param>
/// <param name="Version">The stream's version, for <c>If-Match</c>.</param>
public sealed record ApiKeyBody(
    Guid Id,
    string Name,
    Guid UserId,
    IReadOnlyList<string> Scopes,
    DateTimeOffset CreatedAt,
    DateTimeOffset? ExpiresAt,
    DateTimeOffset? RevokedAt,
    DateTimeOffset? LastUsedAt,
    bool ActsForOthers,
    long Version)
{
    /// <summary>The key whose history this is; null when it is the history of something else.</summary>
    public static ApiKeyBody? Of(Guid id, IReadOnlyList<RecordedEvent> history, DateTimeOffset? lastUsedAt)
    {
        if (history is not [{ Data: ApiKeyIssued }, ..])
        {
            return null;
        }

        var key = ApiKeyStream.Fold(history);
        var revoked = history.FirstOrDefault(static recorded => recorded.Data is ApiKeyRevoked)?.At;
        return new ApiKeyBody(
            id, key.Name, key.UserId, key.Scopes, history[0].At, key.ExpiresAt, revoked, lastUsedAt, key.ActsForOthers, history.Count);
    }
}

/// <summary>A page of API keys.</summary>
/// <param name="Items">The keys, in the order of their ids.</param>
/// <param name="NextCursor">Where the next page begins; null on the last one.</param>
public sealed record ApiKeyPage(IReadOnlyList<ApiKeyBody> Items, string? NextCursor);

/// <summary>Answers API keys.</summary>
public static class ReadApiKeysEndpoint
{
    private const int DefaultLimit = 25;
    private const int MaxLimit = 200;

    /// <summary>What the list can be asked for.</summary>
    public static QueryParameter[] Parameters { get; } =
    [
        new("limit", ParameterKind.Number, "How many keys a page holds: 1 to 200, else 25."),
        new("cursor", ParameterKind.Text, "Where the page begins: the nextCursor of the page before."),
    ];

    /// <summary>One key.</summary>
    public static async Task<IResult> Get(Guid id, ApiKeys keys, EventLog log, HttpContext http, CancellationToken ct)
    {
        if (ApiKeyBody.Of(id, await log.ReadStream(id, ct), await keys.LastUsed(id, ct)) is not { } body)
        {
            return Problem.Of(ApiKeyRefusals.NotFound).ToHttp();
        }

        http.Response.Headers.ETag = string.Create(CultureInfo.InvariantCulture, $"\"{body.Version}\"");
        return Answers.Json(body, ApiKeysJson.Wire.ApiKeyBody);
    }

    /// <summary>A page of keys in the order of their ids.</summary>
    public static async Task<IResult> List(HttpContext http, ApiKeys keys, EventLog log, CancellationToken ct)
    {
        var limit = (int)(http.Request.Query.Number("limit", 1, MaxLimit) ?? DefaultLimit);
        var after = http.Request.Query.Text("cursor") is { } cursor ? IdOf(cursor) : Guid.Empty;
        var found = await keys.After(after, limit + 1, ct);
        var bodies = new List<ApiKeyBody>(limit);
        foreach (var (id, lastUsedAt) in found.Take(limit))
        {
            if (ApiKeyBody.Of(id, await log.ReadStream(id, ct), lastUsedAt) is { } body)
            {
                bodies.Add(body);
            }
        }

        var next = found.Count > limit ? StrictBase64Url.Encode(found[limit - 1].Id.ToByteArray(bigEndian: true)) : null;
        return Answers.Json(new ApiKeyPage(bodies, next), ApiKeysJson.Wire.ApiKeyPage);
    }

    private static Guid IdOf(string cursor) => StrictBase64Url.TryDecode(cursor, out var id) && id.Length == 16
        ? new Guid(id, bigEndian: true)
        : throw QueryParameters.Wrong("cursor", "invalid-cursor", "is not a cursor of this list.");
}

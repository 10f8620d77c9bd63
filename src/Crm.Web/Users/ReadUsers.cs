using System.Globalization;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.Web.Http;
using Crm.Web.Security;

namespace Crm.Web.Users;

/// <summary>Answers one user.</summary>
public static class GetUserEndpoint
{
    /// <summary>The user as the log has it now.</summary>
    public static async Task<IResult> Handle(Guid id, HttpContext http, EventLog log, CancellationToken ct)
    {
        var history = await log.ReadStream(id, ct);
        if (history is not [{ Data: UserEvent }, ..])
        {
            return Problem.Of(UserRefusals.NotFound).ToHttp();
        }

        http.Response.Headers.ETag = string.Create(CultureInfo.InvariantCulture, $"\"{history.Count}\"");
        return Answers.Json(UserBody.Of(id, history), SecurityJson.Wire.UserBody);
    }
}

/// <summary>Answers all users, page by page.</summary>
public static class ListUsersEndpoint
{
    private const int DefaultLimit = 25;
    private const int MaxLimit = 200;

    /// <summary>What the list can be asked for.</summary>
    public static QueryParameter[] Parameters { get; } =
    [
        new("limit", ParameterKind.Number, "How many users a page holds: 1 to 200, else 25."),
        new("cursor", ParameterKind.Text, "Where the page begins: the nextCursor of the page before."),
    ];

    /// <summary>A page of users in the order of their ids.</summary>
    public static async Task<IResult> Handle(HttpContext http, UserDirectory users, CancellationToken ct)
    {
        var limit = (int)(http.Request.Query.Number("limit", 1, MaxLimit) ?? DefaultLimit);
        var after = http.Request.Query.Text("cursor") is { } cursor ? IdOf(cursor) : Guid.Empty;
        var page = await users.After(after, limit + 1, ct);
        return page.Count <= limit
            ? Answers.Json(new UserPage(page, NextCursor: null), SecurityJson.Wire.UserPage)
            : Answers.Json(
                new UserPage([.. page.Take(limit)], StrictBase64Url.Encode(page[limit - 1].Id.ToByteArray(bigEndian: true))),
                SecurityJson.Wire.UserPage);
    }

    private static Guid IdOf(string cursor) => StrictBase64Url.TryDecode(cursor, out var id) && id.Length == 16
        ? new Guid(id, bigEndian: true)
        : throw QueryParameters.Wrong("cursor", "invalid-cursor", "is not a cursor of this list.");
}

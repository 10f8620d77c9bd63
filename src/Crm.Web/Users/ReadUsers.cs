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

    /// <summary>A page of users in the order of their ids.</summary>
    public static async Task<IResult> Handle(HttpContext http, UserDirectory users, CancellationToken ct)
    {
        var limit = DefaultLimit;
        var after = Guid.Empty;
        foreach (var (name, value) in http.Request.Query)
        {
            switch (name)
            {
                case "limit" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out limit) && limit is >= 1 and <= MaxLimit:
                    break;
                case "limit":
                    return Problem.BadParameter(name, "out-of-range", $"takes a number from 1 to {MaxLimit}.").ToHttp();
                case "cursor" when StrictBase64Url.TryDecode(value.ToString(), out var id) && id.Length == 16:
                    after = new Guid(id, bigEndian: true);
                    break;
                case "cursor":
                    return Problem.BadParameter(name, "invalid-cursor", "is not a cursor of this list.").ToHttp();
                default:
                    return Problem.BadParameter(name, "unknown-parameter", "is not a parameter of this request.").ToHttp();
            }
        }

        var page = await users.After(after, limit + 1, ct);
        return page.Count <= limit
            ? Answers.Json(new UserPage(page, NextCursor: null), SecurityJson.Wire.UserPage)
            : Answers.Json(
                new UserPage([.. page.Take(limit)], StrictBase64Url.Encode(page[limit - 1].Id.ToByteArray(bigEndian: true))),
                SecurityJson.Wire.UserPage);
    }
}

using Crm.Application.Users;
using Crm.Domain.Users;
using Crm.EventStore.Log;
using Crm.Web.Security;
using Npgsql;

namespace Crm.Web.Users;

/// <summary>
/// All users, straight from the log: whose streams there are is known by the unique keys that users hold (an address, or an id in an
/// imported source), what they are by folding the streams. Users are few and asked for seldom, so they need no read model, and the
/// answer is never behind.
/// </summary>
public sealed class UserDirectory(NpgsqlDataSource database, EventLog log)
{
    private static readonly string[] Scopes = [UserStream.EmailScope, UserStream.IdentityScope, "user-external-id"];

    /// <summary>The users whose ids follow another, in order of id.</summary>
    public async Task<IReadOnlyList<UserBody>> After(Guid after, int limit, CancellationToken ct)
    {
        var users = new List<UserBody>(limit);
        foreach (var id in await IdsAfter(after, limit, Scopes, ct))
        {
            users.Add(UserBody.Of(id, await log.ReadStream(id, ct)));
        }

        return users;
    }

    /// <summary>
    /// An active admin other than this user, as an append that relies on the admin's stream as it is now; null when there is none.
    /// </summary>
    public async Task<StreamAppend?> AdminBeside(Guid userId, CancellationToken ct)
    {
        const int Page = 200;
        var after = Guid.Empty;
        while (true)
        {
            var ids = await IdsAfter(after, Page, [UserStream.EmailScope], ct);
            foreach (var id in ids.Where(id => id != userId))
            {
                var history = await log.ReadStream(id, ct);
                if (UserHistory.Fold(history) is { Role: Role.Admin, IsActive: true })
                {
                    return new StreamAppend(id, User.Aggregate.StreamType, history.Count, []);
                }
            }

            if (ids.Count < Page)
            {
                return null;
            }

            after = ids[^1];
        }
    }

    private async Task<IReadOnlyList<Guid>> IdsAfter(Guid after, int limit, string[] scopes, CancellationToken ct)
    {
        await using var command = database.CreateCommand(
            "select distinct stream_id from crm.unique_keys where scope = any($1) and stream_id > $2 order by stream_id limit $3");
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = scopes });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        await using var rows = await command.ExecuteReaderAsync(ct);
        var ids = new List<Guid>(limit);
        while (await rows.ReadAsync(ct))
        {
            ids.Add(rows.GetGuid(0));
        }

        return ids;
    }
}

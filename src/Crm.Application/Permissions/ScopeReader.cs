using System.Collections.Frozen;
using Crm.Domain.Users;
using Npgsql;

namespace Crm.Application.Permissions;

/// <summary>
/// Finds out whose rows a user may see. Membership stands among the log's unique keys, written in the transaction of the event that
/// changes it, so the answer is never behind the log.
/// </summary>
public sealed class ScopeReader(NpgsqlDataSource database)
{
    /// <summary>The scope of memberships among the log's unique keys.</summary>
    public const string MemberScope = "team-member";

    private const string TeamMatesSql = $"""
        select distinct left(mate.key, 32)::uuid from crm.unique_keys mine
        join crm.unique_keys mate on mate.stream_id = mine.stream_id and mate.scope = '{MemberScope}'
        where mine.scope = '{MemberScope}' and mine.key >= $1 and mine.key < $2
        """;

    /// <summary>The key of a membership: those of one user stand together.</summary>
    public static string KeyOf(Guid userId, Guid teamId) => $"{userId:N}/{teamId:N}";

    /// <summary>The scope of a user, as the log has it now.</summary>
    /// <param name="userId">The user's id.</param>
    /// <param name="user">The user.</param>
    /// <param name="ct">Ends the look.</param>
    public async Task<Scope> Of(Guid userId, User user, CancellationToken ct) =>
        Scope.Of(userId, user, Scope.IsUnbounded(user) ? FrozenSet<Guid>.Empty : await TeamOf(userId, ct));

    private async Task<FrozenSet<Guid>> TeamOf(Guid userId, CancellationToken ct)
    {
        await using var command = database.CreateCommand(TeamMatesSql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{userId:N}/" });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = $"{userId:N}0" }); // '0' follows '/'
        await using var rows = await command.ExecuteReaderAsync(ct);
        var team = new HashSet<Guid> { userId };
        while (await rows.ReadAsync(ct))
        {
            team.Add(rows.GetGuid(0));
        }

        return team.ToFrozenSet();
    }
}

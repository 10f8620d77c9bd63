using System.Globalization;
using Crm.EventStore.Archives;
using Npgsql;

namespace Crm.Application.Recovery;

/// <summary>
/// Doors that were shut after the position that is restored or recovered, and that this opens again: known where the archive goes on
/// beyond that position, or the log that is recovered from.
/// </summary>
internal static class Reopened
{
    private static readonly Dictionary<string, string> doors = new(StringComparer.Ordinal)
    {
        ["user-deactivated"] = "user {0} was deactivated at position {1}, and is active again",
        ["user-role-changed"] = "the role of user {0} was changed at position {1}, and is the one before",
        ["user-oversight-changed"] = "the oversight of user {0} was changed at position {1}, and is the one before",
        ["api-key-revoked"] = "API key {0} was revoked at position {1}",
        ["team-member-removed"] = "a member of team {0} was removed at position {1}, and is in it again",
        ["team-disbanded"] = "team {0} was disbanded at position {1}, and is there again",
    };

    /// <summary>What is open again, for people, as the archive tells.</summary>
    public static IEnumerable<string> Since(
        ArchiveFolder folder, ArchiveManifest manifest, ArchiveKey? key, long position, CancellationToken ct)
    {
        var found = ArchivedEvents.Find(folder, manifest, key, position, doors.Keys.ToHashSet(StringComparer.Ordinal), ct);
        return [.. found.Events.Select(Says), .. found.Unreadable.Select(Says)];
    }

    /// <summary>What is open again, for people, as the log tells that is recovered from.</summary>
    public static async Task<IReadOnlyList<string>> Since(NpgsqlDataSource source, long position, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var find = new NpgsqlCommand(
            "select seq_id, stream_id, type from crm.mt_events where seq_id > $1 and type = any($2) order by seq_id", connection)
        {
            CommandTimeout = 0,
            Parameters =
            {
                new NpgsqlParameter<long> { TypedValue = position },
                new NpgsqlParameter<string[]> { TypedValue = [.. doors.Keys] },
            },
        };
        await LongWork.Prepare(connection, long.MaxValue, ct);
        var says = new List<string>();
        await using var reader = await find.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            says.Add(Says(new ArchivedEvent(reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2))));
        }

        return says;
    }

    private static string Says(UnreadableSegment segment) =>
        $"what was shut in {segment.Damage.File} is open again and cannot be named, for it cannot be read: "
        + string.Join(", ", segment.Sought.Select(static shut => string.Create(CultureInfo.InvariantCulture, $"{shut.Value} {shut.Key}")));

    private static string Says(ArchivedEvent shut) =>
        string.Format(CultureInfo.InvariantCulture, doors[shut.Type], shut.StreamId, shut.Position);
}

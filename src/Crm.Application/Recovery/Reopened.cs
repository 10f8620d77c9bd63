using System.Globalization;
using Crm.EventStore.Archives;

namespace Crm.Application.Recovery;

/// <summary>
/// Doors that were shut after the position that is restored, and that the restoration opens again: known where the archive goes on
/// beyond that position.
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

    /// <summary>What is open again, for people.</summary>
    public static IEnumerable<string> Since(
        ArchiveFolder folder, ArchiveManifest manifest, ArchiveKey? key, long position, CancellationToken ct) =>
        ArchivedEvents.Find(folder, manifest, key, position, doors.Keys.ToHashSet(StringComparer.Ordinal), ct)
            .Select(shut => string.Format(CultureInfo.InvariantCulture, doors[shut.Type], shut.StreamId, shut.Position));
}

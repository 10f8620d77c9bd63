using Crm.EventStore.Audit;
using Npgsql;

namespace Crm.EventStore.Archives;

/// <summary>The audit tree's head at an archive's last position: by it what is restored is held against what was signed and published.</summary>
public static class ArchiveTree
{
    private static readonly TimeSpan pause = TimeSpan.FromMilliseconds(50);

    /// <summary>The head over the events up to a position; the tree is grown that far where it is not yet.</summary>
    /// <param name="database">The database.</param>
    /// <param name="position">The position.</param>
    /// <param name="isRestored">Whether the log was just restored, with its heads and without its tree.</param>
    /// <param name="progress">Told how much of the tree is there, 0–1; null for nobody.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="AuditTreeBrokenException">The stored tree cannot be gone on from.</exception>
    public static async Task<ArchiveTreeHead> At(
        NpgsqlDataSource database, long position, bool isRestored, IProgress<double>? progress, CancellationToken ct)
    {
        var tree = new AuditTree(database);
        for (var size = (await tree.Progress(ct)).Size; size < position;)
        {
            if (await (isRestored ? tree.GrowRestored(ct) : tree.Grow(ct)) is { } grown)
            {
                size = grown.Size;
            }
            else
            {
                // A host is at it.
                await Task.Delay(pause, ct);
                size = (await tree.Progress(ct)).Size;
            }

            progress?.Report(Math.Min(1, (double)size / position));
        }

        return new ArchiveTreeHead(position, Convert.ToBase64String(await tree.Root(position, ct)));
    }
}

using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>A span of the tree's leaves, looked at in one go: quicker than leaf by leaf, and says only whether all is well.</summary>
public static class LeafSpan
{
    /// <summary>Whether every event from one position to another (both included) fits its leaf in the tree.</summary>
    /// <exception cref="AuditTreeBrokenException">One is not there.</exception>
    public static async Task<bool> Fits(NpgsqlDataSource database, long first, long last, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        var kept = await AuditTiles.Read(connection, 0, first - 1, last, ct);
        await using var rows = await StoredRows.Open(connection, first - 1, last, ct);
        var (leaf, hash, next) = (new EventLeaf(), new byte[MerkleTree.HashBytes], first);
        while (await rows.Next(ct))
        {
            leaf.Hash(rows.Current, hash);
            var place = (int)(next - first) * MerkleTree.HashBytes;
            if (rows.Current.Position != next++ || !kept.AsSpan(place, MerkleTree.HashBytes).SequenceEqual(hash))
            {
                return false;
            }
        }

        return next == last + 1;
    }
}

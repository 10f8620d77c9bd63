using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>Checks the stored tree against itself: no hash lost or twice, each upper one that of the tile below it.</summary>
/// <param name="connection">Reads the tiles.</param>
/// <param name="size">How many leaves the tree has.</param>
/// <param name="findings">Takes what is wrong.</param>
internal sealed class TileCheck(NpgsqlConnection connection, long size, Findings findings)
{
    private const int Hash = MerkleTree.HashBytes;

    private readonly TreeEdge edge = new();
    private bool hasLost;

    /// <summary>
    /// The leaf hashes of a stretch of positions, with a margin on both sides; one that is lost is all zeros. Those of the stretch itself
    /// are checked.
    /// </summary>
    /// <returns>The position of the first, and the hashes.</returns>
    public async Task<(long First, byte[] Hashes)> Leaves(long after, long to, int margin, CancellationToken ct)
    {
        var (from, end) = (Math.Max(0, after - margin), Math.Min(size, to + margin));
        var hashes = new byte[Math.Max(0, end - from) * Hash];
        await Fill(hashes, from, end, after, ct);
        for (var place = after; place < Math.Min(to, size); place++)
        {
            edge.Append(hashes.AsSpan((int)(place - from) * Hash, Hash));
        }

        return (from + 1, hashes);
    }

    /// <summary>Compares what lies above the leaves that have been checked so far.</summary>
    public async Task Upper(CancellationToken ct)
    {
        foreach (var (level, first, expected) in edge.Take())
        {
            if (level > 0 && !hasLost)
            {
                await Compare(level, first, expected, ct);
            }
        }
    }

    /// <summary>Looks whether any level has more than it should.</summary>
    public async Task Levels(CancellationToken ct)
    {
        await using var ask = new NpgsqlCommand(
            "select level, max(first + length(hashes) / 32) from crm.audit_tiles where level > 0 group by level", connection);
        var counts = new Dictionary<int, long>();
        await using var row = await ask.ExecuteReaderAsync(ct);
        while (await row.ReadAsync(ct))
        {
            counts.Add(row.GetInt16(0), row.GetInt64(1));
        }

        for (var (level, expected) = (1, size / TreeEdge.TileHashes); expected > 0 || counts.ContainsKey(level); level++)
        {
            var count = counts.GetValueOrDefault(level);
            if (count != expected)
            {
                findings.Add(FindingKind.Tile, 0, $"Level {level} of the stored tree has {count} hashes, not {expected}.");
            }

            expected /= TreeEdge.TileHashes;
        }
    }

    private async Task Fill(byte[] hashes, long from, long end, long checkFrom, CancellationToken ct)
    {
        var next = from;
        await foreach (var (first, found) in AuditTiles.Rows(connection, 0, from, end, ct))
        {
            if (first != next && first >= checkFrom)
            {
                Tell(first < next ? "twice" : "no more", Math.Min(first, next) + 1, Math.Max(first, next));
            }

            var skipped = (int)Math.Max(0, next - first);
            if (skipped * Hash < found.Length)
            {
                found[(skipped * Hash)..].CopyTo(hashes.AsMemory((int)(first + skipped - from) * Hash));
                next = first + (found.Length / Hash);
            }
        }

        if (next < end)
        {
            Tell("no more", next + 1, end);
        }
    }

    private async Task Compare(int level, long first, ReadOnlyMemory<byte> expected, CancellationToken ct)
    {
        var stored = new byte[expected.Length];
        await foreach (var (at, found) in AuditTiles.Rows(connection, level, first, first + (expected.Length / Hash), ct))
        {
            found.CopyTo(stored.AsMemory((int)(at - first) * Hash));
        }

        for (var place = 0; place < expected.Length; place += Hash)
        {
            if (!expected.Span.Slice(place, Hash).SequenceEqual(stored.AsSpan(place, Hash)))
            {
                var leaves = 1L << (level * TreeEdge.LevelsPerTile);
                var begin = ((first + (place / Hash)) * leaves) + 1;
                findings.Add(
                    FindingKind.Tile, begin,
                    $"The stored hash over positions {begin} to {begin + leaves - 1} (level {level}) is not that of the hashes below it.");
            }
        }
    }

    private void Tell(string how, long from, long to)
    {
        hasLost = true;
        findings.Add(FindingKind.Tile, from, $"The stored tree has {how} the leaf hashes of positions {from} to {to}.");
    }
}

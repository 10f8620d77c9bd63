using System.Numerics;
using System.Runtime.CompilerServices;
using Crm.EventStore.Projections;
using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>The stored tree contradicts itself or the log: it is not built on until somebody has looked.</summary>
public sealed class AuditTreeBrokenException(string message) : Exception(message);

/// <summary>The tree as it is stored: hashes by level and place in <c>crm.audit_tiles</c>.</summary>
internal static class AuditTiles
{
    private const int Hash = MerkleTree.HashBytes;

    /// <summary>How many leaves it has.</summary>
    public static Task<long> Size(NpgsqlConnection connection, CancellationToken ct) => Count(connection, 0, ct);

    /// <summary>Hashes of a level, from one place to before another.</summary>
    /// <exception cref="AuditTreeBrokenException">Some are not there.</exception>
    public static async Task<byte[]> Read(NpgsqlConnection connection, int level, long from, long to, CancellationToken ct)
    {
        var hashes = new byte[(to - from) * Hash];
        var next = from;
        await foreach (var (first, found) in Rows(connection, level, from, to, ct))
        {
            if (first != next)
            {
                break;
            }

            found.CopyTo(hashes.AsMemory((int)(first - from) * Hash));
            next += found.Length / Hash;
        }

        return next == to
            ? hashes
            : throw new AuditTreeBrokenException($"The audit tree has lost hash {next} of level {level}.");
    }

    /// <summary>What there is of the hashes of a level from one place to before another, whatever is missing.</summary>
    public static async IAsyncEnumerable<(long First, ReadOnlyMemory<byte> Hashes)> Rows(
        NpgsqlConnection connection, int level, long from, long to, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var read = new NpgsqlCommand(
            "select first, hashes from crm.audit_tiles where level = $1 and first > $2 - 256 and first < $3 order by first", connection)
        {
            Parameters =
            {
                new NpgsqlParameter<short> { TypedValue = (short)level },
                new NpgsqlParameter<long> { TypedValue = from },
                new NpgsqlParameter<long> { TypedValue = to },
            },
        };
        await using var rows = await read.ExecuteReaderAsync(ct);
        while (await rows.ReadAsync(ct))
        {
            var (first, hashes) = (rows.GetInt64(0), rows.GetFieldValue<byte[]>(1).AsMemory());
            var end = Math.Min(to, first + (hashes.Length / Hash));
            if (end > from)
            {
                var begin = Math.Max(first, from);
                yield return (begin, hashes.Slice((int)(begin - first) * Hash, (int)(end - begin) * Hash));
            }
        }
    }

    /// <summary>The edge of the tree, to go on from.</summary>
    /// <exception cref="AuditTreeBrokenException">Its levels do not agree.</exception>
    public static async Task<TreeEdge> Edge(NpgsqlConnection connection, CancellationToken ct)
    {
        var edge = new TreeEdge();
        var expected = await Size(connection, ct);
        for (var level = 0; expected > 0; level++, expected /= TreeEdge.TileHashes)
        {
            var count = await Count(connection, level, ct);
            if (count != expected)
            {
                throw new AuditTreeBrokenException($"Level {level} of the audit tree has {count} hashes, not {expected}.");
            }

            edge.Resume(level, count, await Read(connection, level, count - (count % TreeEdge.TileHashes), count, ct));
        }

        return edge;
    }

    /// <summary>The hash of a part of the tree, of whole subtrees put together.</summary>
    /// <exception cref="AuditTreeBrokenException">Something of it is not there.</exception>
    public static async Task<byte[]> HashOf(NpgsqlConnection connection, LeafRange range, CancellationToken ct)
    {
        var subtrees = new List<byte[]>();
        for (var from = range.From; from < range.To;)
        {
            // The parts that proofs and roots consist of begin where their largest subtree may begin, and so do their rests.
            var height = BitOperations.Log2((ulong)(range.To - from));
            subtrees.Add(await Subtree(connection, height, from >> height, ct));
            from += 1L << height;
        }

        var hash = subtrees is [] ? MerkleTree.EmptyRoot.ToArray() : subtrees[^1];
        for (var place = subtrees.Count - 2; place >= 0; place--)
        {
            MerkleTree.NodeHash(subtrees[place], hash, hash);
        }

        return hash;
    }

    /// <summary>Stores what the edge has gathered.</summary>
    public static async Task Store(NpgsqlConnection connection, TreeEdge edge, CancellationToken ct)
    {
        await using var copy = await connection.BeginRawBinaryCopyAsync(
            "copy crm.audit_tiles (level, first, hashes) from stdin (format binary)", ct);
        var rows = new BinaryRows();
        foreach (var (level, first, hashes) in edge.Take())
        {
            rows.StartRow(3);
            rows.Write((short)level);
            rows.Write(first);
            rows.Write(hashes.Span);
            if (rows.IsFull)
            {
                await rows.Send(copy, ct);
            }
        }

        rows.End();
        await rows.Send(copy, ct);
    }

    private static async Task<long> Count(NpgsqlConnection connection, int level, CancellationToken ct)
    {
        await using var last = new NpgsqlCommand(
            "select first + length(hashes) / 32 from crm.audit_tiles where level = $1 order by first desc limit 1", connection);
        last.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)level });
        return await last.ExecuteScalarAsync(ct) as long? ?? 0;
    }

    private static async Task<byte[]> Subtree(NpgsqlConnection connection, int height, long index, CancellationToken ct)
    {
        var above = height % TreeEdge.LevelsPerTile;
        var hashes = await Read(connection, height / TreeEdge.LevelsPerTile, index << above, (index + 1) << above, ct);
        return MerkleTree.Fold(hashes).ToArray();
    }
}

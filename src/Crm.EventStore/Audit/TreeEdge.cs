namespace Crm.EventStore.Audit;

/// <summary>
/// The growing edge of a tree that is kept in tiles: of each level the hashes of the tile that is not full yet. A full tile's root goes up
/// as one hash of the level above, and what has come anew waits to be stored.
/// </summary>
internal sealed class TreeEdge
{
    /// <summary>How many hashes a tile holds.</summary>
    public const int TileHashes = 256;

    /// <summary>How many levels of the tree lie between two levels of tiles.</summary>
    public const int LevelsPerTile = 8;

    private const int TileBytes = TileHashes * MerkleTree.HashBytes;

    private readonly List<Level> levels = [new(0, [])];

    /// <summary>How many leaves the tree has.</summary>
    public long Size => levels[0].Count;

    /// <summary>How many levels of tiles it has.</summary>
    public int Levels => levels.Count;

    /// <summary>Takes up a level where it was left.</summary>
    /// <param name="level">The level, counted in tiles.</param>
    /// <param name="count">How many hashes the level has.</param>
    /// <param name="tail">Those of its last tile, unless that is full.</param>
    public void Resume(int level, long count, ReadOnlySpan<byte> tail)
    {
        if (tail.Length != count % TileHashes * MerkleTree.HashBytes)
        {
            throw new ArgumentException("It takes the hashes of the tile that is not full.", nameof(tail));
        }

        while (levels.Count <= level)
        {
            levels.Add(new Level(0, []));
        }

        levels[level] = new Level(count, tail);
    }

    /// <summary>Appends a leaf, given by its hash.</summary>
    public void Append(ReadOnlySpan<byte> leafHash) => Append(0, leafHash);

    /// <summary>The root as it is now.</summary>
    public byte[] Root()
    {
        // Whole subtrees lie in the tails: the least ones in the tail of the leaves, the largest in that of the uppermost level.
        byte[]? root = null;
        var room = new byte[TileBytes];
        foreach (var level in levels)
        {
            var end = level.Tail.Length;
            for (var hashes = 1; hashes < TileHashes; hashes *= 2)
            {
                if ((level.Count & hashes) == 0)
                {
                    continue;
                }

                var subtree = room.AsSpan(0, hashes * MerkleTree.HashBytes);
                level.Tail.Slice(end - subtree.Length, subtree.Length).CopyTo(subtree);
                end -= subtree.Length;
                var hash = MerkleTree.Fold(subtree);
                if (root is null)
                {
                    root = hash.ToArray();
                }
                else
                {
                    MerkleTree.NodeHash(hash, root, root);
                }
            }
        }

        return root ?? MerkleTree.EmptyRoot.ToArray();
    }

    /// <summary>Hands out what has come since this was last asked, and forgets it.</summary>
    /// <returns>Rows of tiles: of each level in order, none across a tile's border.</returns>
    public IEnumerable<(int Level, long First, ReadOnlyMemory<byte> Hashes)> Take()
    {
        for (var level = 0; level < levels.Count; level++)
        {
            var (first, hashes) = levels[level].Take();
            while (hashes.Length > 0)
            {
                var length = (int)Math.Min(hashes.Length, TileBytes - (first % TileHashes * MerkleTree.HashBytes));
                yield return (level, first, hashes[..length]);
                (first, hashes) = (first + (length / MerkleTree.HashBytes), hashes[length..]);
            }
        }
    }

    private void Append(int level, ReadOnlySpan<byte> hash)
    {
        if (!levels[level].Append(hash))
        {
            return;
        }

        if (levels.Count == level + 1)
        {
            levels.Add(new Level(0, []));
        }

        Span<byte> tile = stackalloc byte[TileBytes];
        levels[level].TakeTile(tile);
        Append(level + 1, MerkleTree.Fold(tile));
    }

    private sealed class Level
    {
        private readonly byte[] tail = new byte[TileBytes];
        private readonly CanonicalText fresh = new();
        private int length;

        public Level(long count, ReadOnlySpan<byte> tail)
        {
            Count = count;
            tail.CopyTo(this.tail);
            length = tail.Length;
        }

        public long Count { get; private set; }

        public ReadOnlySpan<byte> Tail => tail.AsSpan(0, length);

        /// <summary>Appends a hash; true when the tile is full by it.</summary>
        public bool Append(ReadOnlySpan<byte> hash)
        {
            hash.CopyTo(tail.AsSpan(length));
            fresh.Add(hash);
            length += hash.Length;
            Count++;
            return length == TileBytes;
        }

        public void TakeTile(Span<byte> to)
        {
            tail.CopyTo(to);
            length = 0;
        }

        public (long First, ReadOnlyMemory<byte> Hashes) Take()
        {
            var hashes = fresh.Written.ToArray();
            fresh.CutTo(0);
            return (Count - (hashes.Length / MerkleTree.HashBytes), hashes);
        }
    }
}

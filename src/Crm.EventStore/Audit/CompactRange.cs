using System.Numerics;

namespace Crm.EventStore.Audit;

/// <summary>
/// A tree that only grows, of which nothing is kept but the roots of its whole subtrees, at most one for each bit of its size: enough to
/// append a leaf and to say the root at any moment, in constant memory.
/// </summary>
public sealed class CompactRange
{
    // From the largest subtree to the smallest, as the leaves stand.
    private readonly List<byte[]> subtrees = [];

    /// <summary>How many leaves it has.</summary>
    public long Size { get; private set; }

    /// <summary>A tree that goes on where another one stopped.</summary>
    /// <param name="size">How many leaves that has.</param>
    /// <param name="subtrees">The roots of its whole subtrees, the largest first: one for each bit of the size.</param>
    public static CompactRange From(long size, IEnumerable<byte[]> subtrees)
    {
        var range = new CompactRange { Size = size };
        range.subtrees.AddRange(subtrees);
        var expected = BitOperations.PopCount((ulong)size);
        return range.subtrees.Count == expected
            ? range
            : throw new ArgumentException($"A tree of {size} leaves has {expected} whole subtrees.", nameof(subtrees));
    }

    /// <summary>Appends a leaf, given by its hash.</summary>
    public void Append(ReadOnlySpan<byte> leafHash)
    {
        var hash = leafHash.ToArray();
        for (var bits = Size; (bits & 1) == 1; bits >>= 1)
        {
            MerkleTree.NodeHash(subtrees[^1], hash, hash);
            subtrees.RemoveAt(subtrees.Count - 1);
        }

        subtrees.Add(hash);
        Size++;
    }

    /// <summary>The root as it is now.</summary>
    public byte[] Root()
    {
        if (subtrees is [])
        {
            return MerkleTree.EmptyRoot.ToArray();
        }

        var root = subtrees[^1].ToArray();
        for (var place = subtrees.Count - 2; place >= 0; place--)
        {
            MerkleTree.NodeHash(subtrees[place], root, root);
        }

        return root;
    }
}

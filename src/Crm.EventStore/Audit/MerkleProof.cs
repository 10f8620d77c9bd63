using System.Numerics;

namespace Crm.EventStore.Audit;

/// <summary>The leaves from one to before another, counted from 0: a part of a tree whose hash stands in a proof.</summary>
/// <param name="From">The first leaf.</param>
/// <param name="To">The leaf after the last.</param>
public readonly record struct LeafRange(long From, long To)
{
    /// <summary>Where the range divides as RFC 6962 has it: the largest power of two that is smaller than its length.</summary>
    internal long Middle => From + (long)(BitOperations.RoundUpToPowerOf2((ulong)(To - From)) >> 1);
}

/// <summary>
/// What a proof consists of, and how it is checked: RFC 6962, sections 2.1.1 and 2.1.2 for what stands in it, the algorithms of RFC 9162,
/// sections 2.1.3.2 and 2.1.4.2, for checking it without the tree.
/// </summary>
public static class MerkleProof
{
    /// <summary>The parts of a tree whose hashes prove that a leaf stands in it, from the leaf up.</summary>
    /// <param name="index">The leaf, counted from 0.</param>
    /// <param name="size">The tree's size.</param>
    /// <exception cref="ArgumentOutOfRangeException">The tree has no such leaf.</exception>
    public static IReadOnlyList<LeafRange> Inclusion(long index, long size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var ranges = new List<LeafRange>();
        var within = new LeafRange(0, size);
        while (within.To - within.From > 1)
        {
            var middle = within.Middle;
            if (index < middle)
            {
                ranges.Add(within with { From = middle });
                within = within with { To = middle };
            }
            else
            {
                ranges.Add(within with { To = middle });
                within = within with { From = middle };
            }
        }

        ranges.Reverse();
        return ranges;
    }

    /// <summary>The parts of a tree whose hashes prove that it begins with a smaller one.</summary>
    /// <param name="first">The smaller tree's size, at least 1: every tree begins with an empty one, which proves nothing.</param>
    /// <param name="second">The tree's size.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are no such trees.</exception>
    public static IReadOnlyList<LeafRange> Consistency(long first, long second)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(first, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, second);
        var ranges = new List<LeafRange>();
        var within = new LeafRange(0, second);
        while (within.To != first)
        {
            var middle = within.Middle;
            if (first <= middle)
            {
                ranges.Add(within with { From = middle });
                within = within with { To = middle };
            }
            else
            {
                ranges.Add(within with { To = middle });
                within = within with { From = middle };
            }
        }

        // The smaller tree itself, where it is a whole subtree from the first leaf on, is known to whoever checks.
        if (within.From > 0)
        {
            ranges.Add(within);
        }

        ranges.Reverse();
        return ranges;
    }

    /// <summary>Whether a proof shows that a leaf stands at its place in the tree with this root.</summary>
    public static bool IncludesLeaf(
        ReadOnlySpan<byte> leafHash, long index, long size, IReadOnlyList<byte[]> proof, ReadOnlySpan<byte> root)
    {
        if (index < 0 || index >= size || leafHash.Length != MerkleTree.HashBytes || !AreHashes(proof))
        {
            return false;
        }

        var (place, last) = (index, size - 1);
        var hash = leafHash.ToArray();
        foreach (var step in proof)
        {
            if (last == 0)
            {
                return false;
            }

            if ((place & 1) == 1 || place == last)
            {
                MerkleTree.NodeHash(step, hash, hash);
                Skip(ref place, ref last);
            }
            else
            {
                MerkleTree.NodeHash(hash, step, hash);
            }

            (place, last) = (place >> 1, last >> 1);
        }

        return last == 0 && root.SequenceEqual(hash);
    }

    /// <summary>Whether a proof shows that the second tree begins with the first. One of no leaves is refused: it proves nothing.</summary>
    public static bool IsConsistent(
        long first, long second, IReadOnlyList<byte[]> proof, ReadOnlySpan<byte> firstRoot, ReadOnlySpan<byte> secondRoot)
    {
        if (first < 1 || first > second || !AreHashes(proof))
        {
            return false;
        }

        if (first == second)
        {
            return proof.Count == 0 && firstRoot.SequenceEqual(secondRoot);
        }

        if (proof.Count == 0 || firstRoot.Length != MerkleTree.HashBytes)
        {
            return false;
        }

        var (place, last) = (first - 1, second - 1);
        while ((place & 1) == 1)
        {
            (place, last) = (place >> 1, last >> 1);
        }

        // A smaller tree that is a whole subtree begins the way up itself; else the proof brings where it begins.
        var next = 0;
        var begin = BitOperations.IsPow2(first) ? firstRoot.ToArray() : proof[next++];
        var (before, now) = (begin.ToArray(), begin.ToArray());
        for (; next < proof.Count; next++)
        {
            if (last == 0)
            {
                return false;
            }

            if ((place & 1) == 1 || place == last)
            {
                MerkleTree.NodeHash(proof[next], before, before);
                MerkleTree.NodeHash(proof[next], now, now);
                Skip(ref place, ref last);
            }
            else
            {
                MerkleTree.NodeHash(now, proof[next], now);
            }

            (place, last) = (place >> 1, last >> 1);
        }

        return last == 0 && firstRoot.SequenceEqual(before) && secondRoot.SequenceEqual(now);
    }

    /// <summary>Leaves out the levels on which a node at the right edge has no sibling.</summary>
    private static void Skip(ref long place, ref long last)
    {
        while ((place & 1) == 0 && place != 0)
        {
            (place, last) = (place >> 1, last >> 1);
        }
    }

    private static bool AreHashes(IReadOnlyList<byte[]> proof) => proof.All(static hash => hash.Length == MerkleTree.HashBytes);
}

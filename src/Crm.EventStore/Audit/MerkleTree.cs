using System.Security.Cryptography;

namespace Crm.EventStore.Audit;

/// <summary>
/// The hashes of a Merkle tree as RFC 6962, section 2.1, defines it: SHA-256, leaves and inner nodes told apart by their first byte,
/// the left side of a node always the largest power of two that is smaller than the whole.
/// </summary>
public static class MerkleTree
{
    /// <summary>How many bytes a hash has.</summary>
    public const int HashBytes = 32;

    /// <summary>The byte before a leaf's content.</summary>
    internal const byte LeafPrefix = 0;

    private const byte NodePrefix = 1;

    /// <summary>The root of a tree without leaves: the hash of nothing.</summary>
    public static ReadOnlySpan<byte> EmptyRoot =>
    [
        0xE3, 0xB0, 0xC4, 0x42, 0x98, 0xFC, 0x1C, 0x14, 0x9A, 0xFB, 0xF4, 0xC8, 0x99, 0x6F, 0xB9, 0x24,
        0x27, 0xAE, 0x41, 0xE4, 0x64, 0x9B, 0x93, 0x4C, 0xA4, 0x95, 0x99, 0x1B, 0x78, 0x52, 0xB8, 0x55,
    ];

    /// <summary>The hash of a leaf: SHA-256 of a zero byte and its content.</summary>
    public static byte[] LeafHash(ReadOnlySpan<byte> content)
    {
        var prefixed = new byte[content.Length + 1];
        prefixed[0] = LeafPrefix;
        content.CopyTo(prefixed.AsSpan(1));
        return SHA256.HashData(prefixed);
    }

    /// <summary>The hash of a node over the hashes below it; the destination may be one of them.</summary>
    public static void NodeHash(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right, Span<byte> to)
    {
        Span<byte> node = stackalloc byte[1 + (2 * HashBytes)];
        node[0] = NodePrefix;
        left.CopyTo(node[1..]);
        right.CopyTo(node[(1 + HashBytes)..]);
        SHA256.HashData(node, to);
    }

    /// <summary>The root over the hashes of leaves.</summary>
    public static byte[] Root(IEnumerable<byte[]> leafHashes)
    {
        var range = new CompactRange();
        foreach (var leaf in leafHashes)
        {
            range.Append(leaf);
        }

        return range.Root();
    }

    /// <summary>The root of a whole subtree over hashes that lie side by side; a power of two of them, which are overwritten.</summary>
    internal static ReadOnlySpan<byte> Fold(Span<byte> hashes)
    {
        while (hashes.Length > HashBytes)
        {
            for (int from = 0, to = 0; from < hashes.Length; from += 2 * HashBytes, to += HashBytes)
            {
                NodeHash(hashes.Slice(from, HashBytes), hashes.Slice(from + HashBytes, HashBytes), hashes.Slice(to, HashBytes));
            }

            hashes = hashes[..(hashes.Length / 2)];
        }

        return hashes;
    }
}

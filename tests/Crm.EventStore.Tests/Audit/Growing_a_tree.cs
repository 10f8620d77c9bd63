using Crm.EventStore.Audit;

namespace Crm.EventStore.Tests.Audit;

public class Growing_a_tree
{
    private const int Most = 70;

    private static readonly List<byte[]> leaves = [.. Enumerable.Range(0, Most).Select(static leaf => MerkleTree.LeafHash([(byte)leaf]))];

    [Fact]
    public void has_the_root_of_the_definition_at_every_size()
    {
        var growing = new CompactRange();
        for (var size = 0; size < Most; size++)
        {
            Assert.Equal(RootOf(new LeafRange(0, size)), growing.Root());
            growing.Append(leaves[size]);
        }
    }

    [Fact]
    public void goes_on_from_its_whole_subtrees()
    {
        var resumed = CompactRange.From(6, [RootOf(new LeafRange(0, 4)), RootOf(new LeafRange(4, 6))]);
        resumed.Append(leaves[6]);
        Assert.Equal(RootOf(new LeafRange(0, 7)), resumed.Root());
        Assert.Throws<ArgumentException>(static () => CompactRange.From(6, [leaves[0]]));
    }

    [Fact]
    public void proves_every_leaf_at_every_size_and_no_other()
    {
        for (var size = 1; size < Most; size++)
        {
            var root = RootOf(new LeafRange(0, size));
            for (var leaf = 0; leaf < size; leaf++)
            {
                var proof = MerkleProof.Inclusion(leaf, size).Select(RootOf).ToList();
                Assert.True(MerkleProof.IncludesLeaf(leaves[leaf], leaf, size, proof, root));
                Assert.False(MerkleProof.IncludesLeaf(leaves[leaf + 1], leaf, size, proof, root));
                Assert.False(MerkleProof.IncludesLeaf(leaves[leaf], leaf, size, [.. proof, leaves[0]], root));
                Assert.False(leaf + 1 < size && MerkleProof.IncludesLeaf(leaves[leaf], leaf + 1, size, proof, root));
            }
        }
    }

    [Fact]
    public void proves_that_it_only_grew_between_any_two_sizes()
    {
        for (var second = 1; second < Most; second++)
        {
            for (var first = 1; first <= second; first++)
            {
                var (before, now) = (RootOf(new LeafRange(0, first)), RootOf(new LeafRange(0, second)));
                var proof = MerkleProof.Consistency(first, second).Select(RootOf).ToList();
                Assert.True(MerkleProof.IsConsistent(first, second, proof, before, now));
                Assert.False(MerkleProof.IsConsistent(first, second, [.. proof, leaves[0]], before, now));
                Assert.False(first < second && MerkleProof.IsConsistent(first, second, proof, now, now));
                Assert.False(first < second && MerkleProof.IsConsistent(first, second, proof, before, before));
            }
        }
    }

    [Fact]
    public void proves_nothing_of_leaves_and_sizes_that_it_has_not()
    {
        Assert.Throws<ArgumentOutOfRangeException>(static () => MerkleProof.Inclusion(3, 3));
        Assert.Throws<ArgumentOutOfRangeException>(static () => MerkleProof.Inclusion(-1, 3));
        Assert.Throws<ArgumentOutOfRangeException>(static () => MerkleProof.Consistency(0, 3));
        Assert.Throws<ArgumentOutOfRangeException>(static () => MerkleProof.Consistency(4, 3));
    }

    /// <summary>RFC 6962, section 2.1, word for word.</summary>
    private static byte[] RootOf(LeafRange range)
    {
        var length = range.To - range.From;
        if (length == 0)
        {
            return MerkleTree.EmptyRoot.ToArray();
        }

        if (length == 1)
        {
            return leaves[(int)range.From];
        }

        var left = 1L;
        while (2 * left < length)
        {
            left *= 2;
        }

        var hash = new byte[MerkleTree.HashBytes];
        MerkleTree.NodeHash(
            RootOf(range with { To = range.From + left }), RootOf(range with { From = range.From + left }), hash);
        return hash;
    }
}

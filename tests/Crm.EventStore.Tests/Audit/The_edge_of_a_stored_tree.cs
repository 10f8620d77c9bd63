using System.Buffers.Binary;
using Crm.EventStore.Audit;

namespace Crm.EventStore.Tests.Audit;

public class The_edge_of_a_stored_tree
{
    [Fact]
    public void has_the_root_of_the_tree_at_every_size_and_fills_tile_upon_tile()
    {
        const int size = 65_536 + 513;
        var (edge, tree) = (new TreeEdge(), new CompactRange());
        for (var leaf = 0; leaf < size; leaf++)
        {
            edge.Append(Leaf(leaf));
            tree.Append(Leaf(leaf));
            if (leaf < 600 || leaf % 1_023 == 0 || leaf > 65_500)
            {
                Assert.Equal(tree.Root(), edge.Root());
            }
        }

        var rows = edge.Take().ToList();
        Assert.Equal((257 + 1, 2, 1), (rows.Count(Of(0)) - 1, rows.Count(Of(1)), rows.Count(Of(2))));
        Assert.All(rows, static row => Assert.True((row.First % 256) + (row.Hashes.Length / 32) <= 256));
        Assert.Equal(size, rows.Where(Of(0)).Sum(static row => row.Hashes.Length / 32));
        Assert.Equal(size / 256, rows.Where(Of(1)).Sum(static row => row.Hashes.Length / 32));
        Assert.Equal((2, 0L), (rows[^1].Level, rows[^1].First));
    }

    [Fact]
    public void goes_on_wherever_it_was_left()
    {
        var whole = new CompactRange();
        var edge = new TreeEdge();
        var stored = new Dictionary<int, List<byte[]>>();
        for (var leaf = 0; leaf < 1_200; leaf++)
        {
            edge.Append(Leaf(leaf));
            whole.Append(Leaf(leaf));
            if (leaf % 37 != 0)
            {
                continue;
            }

            foreach (var (level, first, hashes) in edge.Take())
            {
                var known = stored.TryGetValue(level, out var found) ? found : stored[level] = [];
                Assert.Equal(known.Count, first);
                known.AddRange(hashes.ToArray().Chunk(32));
            }

            edge = new TreeEdge();
            foreach (var (level, hashes) in stored)
            {
                edge.Resume(level, hashes.Count, hashes.Skip(hashes.Count / 256 * 256).SelectMany(static hash => hash).ToArray());
            }

            Assert.Equal((leaf + 1, Convert.ToHexString(whole.Root())), (edge.Size, Convert.ToHexString(edge.Root())));
        }
    }

    private static Func<(int Level, long First, ReadOnlyMemory<byte> Hashes), bool> Of(int level) => row => row.Level == level;

    private static byte[] Leaf(int number)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return MerkleTree.LeafHash(bytes);
    }
}

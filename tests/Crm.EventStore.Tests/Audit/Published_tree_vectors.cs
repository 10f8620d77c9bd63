using System.Globalization;
using System.Text.Json;
using Crm.EventStore.Audit;
using Crm.Testing;

namespace Crm.EventStore.Tests.Audit;

/// <summary>The proofs of transparency-dev/merkle, good and spoilt, and the eight leaves that they are made of.</summary>
public class Published_tree_vectors
{
    [Fact]
    public void of_inclusion_proofs_are_judged_as_they_say()
    {
        var files = Files("inclusion");
        foreach (var file in files)
        {
            using var vector = Read(file);
            var root = vector.RootElement;
            var verified = MerkleProof.IncludesLeaf(
                Bytes(root, "leafHash"), Number(root, "leafIdx"), Number(root, "treeSize"), Proof(root), Bytes(root, "root"));
            Assert.True(verified != root.GetProperty("wantErr").GetBoolean(), file);
        }

        Assert.Equal(98, files.Count);
    }

    [Fact]
    public void of_consistency_proofs_are_judged_as_they_say_those_from_an_empty_tree_included()
    {
        var files = Files("consistency");
        var fromNothing = 0;
        foreach (var file in files)
        {
            using var vector = Read(file);
            var root = vector.RootElement;
            var (first, second) = (Number(root, "size1"), Number(root, "size2"));
            var verified = MerkleProof.IsConsistent(first, second, Proof(root), Bytes(root, "root1"), Bytes(root, "root2"));
            Assert.True(verified != root.GetProperty("wantErr").GetBoolean(), file);
            fromNothing += first == 0 && !verified ? 1 : 0;
        }

        Assert.Equal(98, files.Count);
        Assert.True(fromNothing >= 3);
    }

    [Fact]
    public void of_eight_leaves_have_these_hashes_and_roots_at_every_size()
    {
        using var vector = Read(SharedData.Path("merkle-rfc6962", "tree8.derived.json"));
        var leaves = Hex(vector.RootElement.GetProperty("leaves_hex"));
        var hashes = leaves.ConvertAll(static leaf => MerkleTree.LeafHash(leaf));
        Assert.Equal(Hex(vector.RootElement.GetProperty("leaf_hashes_hex")), hashes);
        foreach (var root in vector.RootElement.GetProperty("roots_hex").EnumerateObject())
        {
            var size = int.Parse(root.Name, CultureInfo.InvariantCulture);
            Assert.Equal(root.Value.GetString(), Convert.ToHexStringLower(MerkleTree.Root(hashes.Take(size))));
        }

        Assert.Equal(vector.RootElement.GetProperty("empty_root_hex").GetString(), Convert.ToHexStringLower(MerkleTree.Root([])));
    }

    private static List<string> Files(string folder) =>
        [.. Directory.EnumerateFiles(SharedData.Path("merkle-rfc6962", folder), "*.json", SearchOption.AllDirectories)];

    private static JsonDocument Read(string file) => JsonDocument.Parse(File.ReadAllText(file));

    // Some vectors hold what only an unsigned number of 64 bits does: sizes that no log has.
    private static long Number(JsonElement vector, string name) =>
        vector.GetProperty(name).TryGetInt64(out var number) ? number : unchecked((long)vector.GetProperty(name).GetUInt64());

    private static byte[] Bytes(JsonElement vector, string name) =>
        vector.GetProperty(name) is { ValueKind: JsonValueKind.String } text ? text.GetBytesFromBase64() : [];

    private static List<byte[]> Proof(JsonElement vector) =>
        vector.GetProperty("proof") is { ValueKind: JsonValueKind.Array } proof
            ? [.. proof.EnumerateArray().Select(static hash => hash.ValueKind is JsonValueKind.Null ? [] : hash.GetBytesFromBase64())]
            : [];

    private static List<byte[]> Hex(JsonElement values) =>
        [.. values.EnumerateArray().Select(static value => Convert.FromHexString(value.GetString() ?? ""))];
}

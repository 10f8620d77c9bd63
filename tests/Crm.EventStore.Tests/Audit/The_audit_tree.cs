using Crm.EventStore.Audit;
using Crm.EventStore.Log;
using Crm.EventStore.Tests.Log;
using Crm.Testing;
using Npgsql;

namespace Crm.EventStore.Tests.Audit;

public class The_audit_tree
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task holds_the_leaf_of_every_event_and_proves_each()
    {
        await using var log = await AuditedLog.With(streams: 6);
        var head = await log.Tree.LastHead(Ct) ?? throw new InvalidOperationException();
        var leaves = new List<byte[]>();
        for (var position = 1; position <= 600; position++)
        {
            var leaf = await log.Tree.Leaf(position, Ct);
            Assert.NotNull(leaf);
            Assert.Equal(leaf, CanonicalJson.Of(leaf));
            leaves.Add(MerkleTree.LeafHash(leaf));
        }

        Assert.Equal((600, Convert.ToHexString(MerkleTree.Root(leaves))), (head.Size, Convert.ToHexString(head.Root)));
        foreach (var (position, size) in new[] { (1L, 1L), (1, 600), (256, 256), (257, 600), (512, 513), (600, 600), (599, 600) })
        {
            var proof = await log.Tree.ProveInclusion(position, size, Ct);
            var leaf = await log.Tree.LeafHash(position, Ct);
            Assert.Equal(leaves[(int)position - 1], leaf);
            Assert.Equal(MerkleTree.Root(leaves.Take((int)size)), proof.Root);
            Assert.True(MerkleProof.IncludesLeaf(leaf, position - 1, size, proof.Hashes, proof.Root));
        }

        foreach (var (first, second) in new[] { (1L, 600L), (255, 256), (256, 600), (511, 600), (600, 600) })
        {
            var proof = await log.Tree.ProveConsistency(first, second, Ct);
            Assert.True(MerkleProof.IsConsistent(first, second, proof.Hashes, await log.Tree.Root(first, Ct), proof.Root));
        }
    }

    [Fact]
    public async Task is_the_same_however_often_it_was_left_and_gone_on_with()
    {
        await using var log = await AuditedLog.With(streams: 1);
        for (var round = 0; round < 5; round++)
        {
            await log.Add(1);
            await log.Grow();
        }

        Assert.Equal(6, await log.Database.App.Scalar<long>("select count(*) from crm.audit_tiles where level = 0 and first % 100 = 0"));
        var leaves = new List<byte[]>();
        for (var position = 1; position <= 600; position++)
        {
            leaves.Add(MerkleTree.LeafHash(await log.Tree.Leaf(position, Ct)));
        }

        Assert.Equal(MerkleTree.Root(leaves), await log.Tree.Root(600, Ct));
        Assert.True((await log.Verify()).Sound);
    }

    [Fact]
    public async Task grows_once_when_several_hosts_are_at_it()
    {
        await using var log = await AuditedLog.With(streams: 1);
        await log.Add(6);
        await Parallel.ForAsync(0, 8, Ct, async (_, _) => await log.Grow());
        Assert.Equal(700, (await log.Tree.Progress(Ct)).Size);
        Assert.True((await log.Verify()).Sound);
    }

    [Fact]
    public async Task takes_nothing_when_it_is_interrupted()
    {
        await using var log = await AuditedLog.With(streams: 1);
        await log.Add(3);
        await using var holder = await log.Database.Superuser.OpenConnectionAsync(Ct);
        await using var transaction = await holder.BeginTransactionAsync(Ct);
        await using (var block = new NpgsqlCommand("lock table crm.audit_tiles in exclusive mode", holder))
        {
            await block.ExecuteNonQueryAsync(Ct);
        }

        var growing = log.Tree.Grow(Ct);
        const string waiting = "from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
        await Eventually.IsTrue(async () => await log.Database.Superuser.Scalar<long>($"select count(*) {waiting}") == 1, Ct);
        await log.Tamper($"select pg_terminate_backend(pid) {waiting}");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => growing);
        await transaction.RollbackAsync(Ct);
        Assert.Equal(100, (await log.Tree.Progress(Ct)).Size);
        await log.Grow();
        Assert.True((await log.Verify()).Sound);
    }

    [Fact]
    public async Task is_signed_once_for_each_size_under_the_name_of_the_log()
    {
        await using var log = await AuditedLog.With(streams: 1);
        var first = await log.Sign();
        Assert.Equal((1, 100), (first.Number, first.Size));
        await log.Add(1);
        var second = await log.Sign();
        Assert.Equal((2, 200), (second.Number, second.Size));
        var note = SignedNote.Parse(second.Note);
        Assert.True(note.IsSignedBy(log.Signer.PublicKey));
        Assert.Equal(new TreeHead("log.example/notes", 200, second.Root), TreeHead.Parse(note.Text));
        Assert.Equal([first.Number, second.Number], (await log.Tree.Heads(0, 10, Ct)).Select(static head => head.Number));
    }

    [Fact]
    public async Task is_not_signed_when_it_contradicts_what_was_signed()
    {
        await using var log = await AuditedLog.With(streams: 3);
        await log.Tamper("update crm.audit_tiles set hashes = set_byte(hashes, 40, 1 # get_byte(hashes, 40)) where first = 256");
        await log.Add(1);
        await Assert.ThrowsAsync<AuditTreeBrokenException>(() => log.Sign());
    }

    [Fact]
    public async Task does_not_grow_over_a_hole_in_the_log()
    {
        await using var log = await AuditedLog.With(streams: 1);
        await log.Add(1);
        await log.Tamper("delete from crm.mt_events where seq_id = 150");
        var hole = await Assert.ThrowsAsync<LogCorruptException>(() => log.Tree.Grow(Ct));
        Assert.Contains("150", hole.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task of_an_empty_log_is_not_signed()
    {
        await using var database = await TestDatabase.Create();
        using var signer = NoteSigner.Create("x");
        Assert.Null(await new AuditTree(database.App).Sign(signer, Notes.Noon, Ct));
        Assert.True((await new LogVerification(database.App).Run(progress: null, Ct)).Sound);
    }
}

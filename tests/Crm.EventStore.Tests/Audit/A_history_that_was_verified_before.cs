using Crm.EventStore.Audit;
using Crm.EventStore.Tests.Log;

namespace Crm.EventStore.Tests.Audit;

/// <summary>
/// What an earlier verification saw is held against what is there now: somebody took tree and heads away together, and nothing else tells.
/// </summary>
public class A_history_that_was_verified_before
{
    private const string NoTree = "delete from crm.audit_tiles;";
    private const string NoHeads = "delete from crm.audit_heads;";
    private const string NoKeys = "delete from crm.audit_keys;";
    private const string Change = "update crm.mt_events set type = 'finished' where seq_id = 150;";

    private const string CutTo200 =
        """
        delete from crm.mt_events where seq_id > 200; delete from crm.mt_streams where id not in (select stream_id from crm.mt_events);
        update crm.log_counter set position = 200;
        """;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(NoTree + NoHeads + NoKeys, 1)]
    [InlineData(NoTree + NoHeads, 1)]
    [InlineData(NoHeads, 1)]
    [InlineData("delete from crm.audit_heads where number = 3;", 201)]
    [InlineData("delete from crm.audit_tiles where level = 0 and first >= 200;", 201)]
    [InlineData(CutTo200 + NoTree + NoHeads, 201)]
    [InlineData(Change + NoTree + NoHeads, 101)]
    public async Task shows_what_is_gone(string sql, long position)
    {
        await using var log = await SignedAndVerified();
        Assert.Equal([], (await log.Verify()).Findings);
        await log.Tamper(sql);
        for (var again = 0; again < 2; again++)
        {
            // What was found wrong is no measure for the next time.
            var report = await log.VerifyAndKeep();
            Assert.False(report.Sound);
            report.Names(FindingKind.Verified, position);
        }
    }

    [Fact]
    public async Task is_not_gone_on_with_when_its_tree_is_gone()
    {
        await using var log = await SignedAndVerified();
        await log.Tamper(Change + NoTree + NoHeads);
        var refused = await Assert.ThrowsAsync<AuditTreeBrokenException>(() => log.Tree.Grow(Ct));
        Assert.Contains("held 300 when it was verified", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await log.Tree.Progress(Ct)).Size);

        // Somebody else's program makes the tree; it is not signed all the same, and verification names what was changed.
        await log.GrowUnasked();
        await Assert.ThrowsAsync<AuditTreeBrokenException>(() => log.Tree.Sign(log.Signer, Notes.Noon, Ct));
        Assert.Null(await log.Tree.LastHead(Ct));
        var report = await log.Verify();
        report.Names(FindingKind.Verified, 101);
        Assert.Contains(report.Findings, static finding => finding.Says.Contains("positions 101 to 200", StringComparison.Ordinal));
    }

    [Fact]
    public async Task that_goes_on_signed_by_a_forger_is_still_another()
    {
        await using var log = await SignedAndVerified();
        await log.Tamper(Change + NoTree + NoHeads + "delete from crm.audit_verifications");
        await log.Sign();
        Assert.True((await log.Verify()).Sound); // only what was kept elsewhere can tell

        await using var remembered = await SignedAndVerified();
        await remembered.Tamper("create table kept as table crm.audit_verifications; delete from crm.audit_verifications");
        await remembered.Tamper(Change + NoTree + NoHeads);
        await remembered.Sign();
        await remembered.Add(5);
        await remembered.Sign();
        await remembered.Tamper("insert into crm.audit_verifications overriding system value select * from kept");
        (await remembered.Verify()).Names(FindingKind.Verified, 101);
        (await remembered.Verify()).Names(FindingKind.Verified, 1); // the heads of then
    }

    [Fact]
    public async Task is_not_signed_when_its_heads_are_gone()
    {
        await using var log = await SignedAndVerified();
        await log.Tamper(NoHeads);
        await log.Add(1);
        await log.Grow();
        var refused = await Assert.ThrowsAsync<AuditTreeBrokenException>(() => log.Tree.Sign(log.Signer, Notes.Noon, Ct));
        Assert.Contains("size 300", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task is_not_gone_on_with_when_a_head_is_larger_than_its_tree()
    {
        await using var log = await AuditedLog.With(streams: 3);
        await log.Tamper(NoTree);
        await Assert.ThrowsAsync<AuditTreeBrokenException>(() => log.Tree.Grow(Ct));

        // A restoration, which brings heads and no tree, knows that it is so.
        await log.GrowUnasked();
        await log.Add(1);
        Assert.Equal(400, (await log.Sign()).Size);
        Assert.Equal([], (await log.Verify()).Findings);
    }

    [Fact]
    public async Task but_never_may_grow_anew()
    {
        await using var log = await AuditedLog.With(streams: 3);
        await log.Tamper("truncate crm.audit_tiles, crm.audit_heads");
        Assert.Equal(300, (await log.Sign()).Size);
        Assert.True((await log.Verify()).Sound);
    }

    [Fact]
    public async Task while_the_tree_was_behind_or_a_report_said_less_is_sound()
    {
        await using var log = await AuditedLog.With(streams: 1);
        await log.Add(1);
        Assert.True((await log.VerifyAndKeep()).Sound);

        // As reports were stored before they counted heads, and before kinds of findings had words.
        await log.Tamper(
            """
            update crm.audit_verifications set report = report - 'storedHeads' - 'lastHead';
            insert into crm.audit_verifications (at, size, sound, report)
            select at, size, false, jsonb_set(report, '{findings}', '[{"kind": 0, "position": 7, "says": "x"}]')
            from crm.audit_verifications
            """);
        await log.Sign();
        Assert.Equal([], (await log.VerifyAndKeep()).Findings);
        await log.Tamper("update crm.audit_verifications set sound = true where not sound");
        Assert.Equal([], (await log.VerifyAndKeep()).Findings);
    }

    [Fact]
    public async Task stores_kinds_of_findings_as_words()
    {
        await using var log = await SignedAndVerified();
        await log.Tamper(Change);
        await log.VerifyAndKeep();
        Assert.Equal(
            "changed",
            await log.Database.App.Scalar<string>(
                "select report -> 'findings' -> 0 ->> 'kind' from crm.audit_verifications order by id desc limit 1"));
    }

    [Fact]
    public async Task grows_anew_by_an_operators_word_where_it_is_the_same()
    {
        await using var log = await SignedAndVerified();
        var root = await log.Tree.Root(300, Ct);
        var kept = (await log.Tree.LastHead(Ct))?.Note ?? "";
        await log.Add(1);
        await log.Tamper(NoTree + NoHeads);
        Assert.Equal(400, await new TreeRegrowth(log.Database.Superuser, [kept]).Run(progress: null, Ct));
        Assert.Equal(root, await log.Tree.Root(300, Ct));
        Assert.False((await log.Verify()).Sound); // the heads are still gone
        var known = await new LogVerification(log.Database.App, [log.Signer.PublicKey], mayHaveLostHeads: true).Run(progress: null, Ct);
        Assert.Equal([], known.Findings);
        await StoredVerifications.Keep(log.Database.App, known, Notes.Noon, Ct);
        Assert.Equal(400, (await log.Sign()).Size);
        Assert.True((await log.Verify()).Sound);
    }

    [Theory]
    [InlineData(Change, "earlier verification", false)]
    [InlineData(Change + "delete from crm.audit_verifications;", "kept elsewhere", true)]
    [InlineData(CutTo200, "cut off", false)]
    public async Task does_not_grow_anew_where_it_is_another(string sql, string says, bool isKept)
    {
        await using var log = await SignedAndVerified();
        var kept = (await log.Tree.LastHead(Ct))?.Note ?? "";
        await log.Tamper(sql + NoHeads + "delete from crm.audit_tiles where level = 1");
        var tiles = await log.Database.App.Scalar<long>("select count(*) from crm.audit_tiles");
        var refused = await Assert.ThrowsAsync<AuditTreeBrokenException>(
            () => new TreeRegrowth(log.Database.Superuser, isKept ? [kept] : []).Run(progress: null, Ct));
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        Assert.Equal(tiles, await log.Database.App.Scalar<long>("select count(*) from crm.audit_tiles"));
    }

    /// <summary>Three hundred events, signed and verified at each hundred.</summary>
    private static async Task<AuditedLog> SignedAndVerified()
    {
        var log = await AuditedLog.With(streams: 1);
        await log.VerifyAndKeep();
        for (var more = 0; more < 2; more++)
        {
            await log.Add(1);
            await log.Sign();
            await log.VerifyAndKeep();
        }

        return log;
    }
}

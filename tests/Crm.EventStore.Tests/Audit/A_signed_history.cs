using Crm.EventStore.Audit;
using Crm.EventStore.Tests.Log;

namespace Crm.EventStore.Tests.Audit;

/// <summary>What the signed heads show when somebody who may do everything in the database changed the tree as well.</summary>
public class A_signed_history
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("delete from crm.audit_heads where number = 2", 101)]
    [InlineData("update crm.audit_heads set note = replace(note, '200', '201') where number = 2", 201)]
    [InlineData("update crm.audit_heads set root = decode(repeat('00', 32), 'hex') where number = 2", 200)]
    [InlineData("update crm.audit_heads set note = 'nothing' where number = 2", 0)]
    public async Task shows_a_forged_head(string sql, long position)
    {
        await using var log = await AuditedLog.With(streams: 1);
        await log.Add(1);
        await log.Sign();
        await log.Add(1);
        await log.Sign();
        await log.Tamper(sql);
        (await log.Verify()).Names(FindingKind.Head, position);
    }

    [Fact]
    public async Task together_with_its_tree_shows_between_which_heads()
    {
        await using var log = await AuditedLog.With(streams: 2);
        await log.Add(2);
        await log.Sign();
        await log.Tamper("update crm.mt_events set type = 'finished' where seq_id = 300; delete from crm.audit_tiles");
        await log.GrowUnasked();
        var report = await log.Verify();
        report.Names(FindingKind.Head, 201);
        Assert.Equal(200, report.SignedUpTo);
    }

    [Fact]
    public async Task and_replaced_as_a_whole_is_shown_by_a_head_that_was_kept_elsewhere()
    {
        await using var log = await AuditedLog.With(streams: 3);
        var kept = (await log.Sign()).Note;
        await log.Tamper(
            """
            update crm.mt_events set data = jsonb_set(data, '{text}', '"x"') where seq_id = 250;
            delete from crm.audit_tiles; delete from crm.audit_heads; delete from crm.audit_keys
            """);
        await log.Grow();
        using (var forger = NoteSigner.Create("log.example/notes"))
        {
            await using var connection = await log.Database.App.OpenConnectionAsync(Ct);
            await AuditKeys.Add(connection, new AuditKey(1, forger.PublicKey, Sealed: null, IsDevelopment: true, Notes.Noon), Ct);
            await log.Tree.Sign(forger, Notes.Noon, Ct);
        }

        var blind = await new LogVerification(log.Database.App).Run(progress: null, Ct);
        Assert.True(blind.Sound); // nothing in the database itself can tell
        var report = await log.Verify(kept);
        Assert.Contains(report.Findings, static finding => finding is { Kind: FindingKind.Head, Position: 1 });
        report.Names(FindingKind.Head, 300);
    }

    [Fact]
    public async Task and_cut_off_is_shown_by_a_head_that_was_kept_elsewhere()
    {
        await using var log = await AuditedLog.With(streams: 3);
        var kept = (await log.Sign()).Note;
        await log.Tamper(
            """
            delete from crm.mt_events where seq_id > 200; delete from crm.mt_streams where id not in (select stream_id from crm.mt_events);
            update crm.log_counter set position = 200; delete from crm.audit_tiles; delete from crm.audit_heads
            """);
        await log.Sign();
        Assert.True((await log.Verify()).Sound);
        (await log.Verify(kept)).Names(FindingKind.Head, 201);
    }
}

using Crm.EventStore.Audit;

namespace Crm.EventStore.Tests.Audit;

/// <summary>By somebody who may do everything in the database: what was done is named, and where.</summary>
public class A_history_that_was_tampered_with
{
    private const string RemoveAndRenumber =
        """
        delete from crm.mt_events where seq_id = {0};
        update crm.mt_events set seq_id = -(seq_id - 1) where seq_id > {0};
        update crm.mt_events set seq_id = -seq_id where seq_id < 0;
        update crm.log_counter set position = position - 1;
        """;

    private const string InsertAndRenumber =
        """
        update crm.mt_events set seq_id = -(seq_id + 1) where seq_id >= {0};
        update crm.mt_events set seq_id = -seq_id where seq_id < 0;
        insert into crm.mt_streams (id, type, version) values ('00000000-0000-0000-0000-0000000000ff', 'note', 1);
        insert into crm.mt_events (seq_id, id, stream_id, version, data, type, mt_dotnet_type, headers)
        select {0}, gen_random_uuid(), '00000000-0000-0000-0000-0000000000ff', 1, data, type, mt_dotnet_type, headers
        from crm.mt_events where seq_id = 1;
        update crm.log_counter set position = position + 1;
        """;

    private const string Swap =
        """
        update crm.mt_events set seq_id = case seq_id when {0} then -{1} else -{0} end where seq_id in ({0}, {1});
        update crm.mt_events set seq_id = -seq_id where seq_id < 0;
        """;

    [Fact]
    public async Task shows_each_changed_byte_of_every_column()
    {
        string[] changes =
        [
            "data = jsonb_set(data, '{text}', '\"nOte\"')",
            "data = jsonb_set(data, '{number}', '0.0')",
            "headers = jsonb_set(headers, '{actor}', '\"bob\"')",
            "headers = headers - 'actor'",
            "timestamp = timestamp + interval '1 microsecond'",
            "type = 'finished'",
            "mt_dotnet_type = 'Another'",
            "correlation_id = null",
            "causation_id = ''",
            "tenant_id = 'other'",
            "is_archived = true",
            "id = gen_random_uuid()",
            "bdata = '\\x00'",
        ];
        await using var log = await AuditedLog.With(streams: 6);
        Assert.True((await log.Verify()).Sound);
        for (var change = 0; change < changes.Length; change++)
        {
            await log.Tamper($"update crm.mt_events set {changes[change]} where seq_id = {200 + (10 * change)}");
        }

        var report = await log.Verify();
        Assert.False(report.Sound);
        Assert.Equal(
            Enumerable.Range(0, changes.Length).Select(static change => 200L + (10 * change)),
            report.Findings.Where(static finding => finding.Kind is FindingKind.Changed).Select(static finding => finding.Position));
        report.Names(FindingKind.Head, 1);
    }

    [Theory]
    [InlineData("delete from crm.mt_events where seq_id = 300", FindingKind.Missing, 300)]
    [InlineData("delete from crm.mt_events where seq_id in (300, 301, 400)", FindingKind.Missing, 300, FindingKind.Missing, 400)]
    [InlineData("delete from crm.mt_events where seq_id > 590", FindingKind.Missing, 591)]
    [InlineData("delete from crm.mt_events where seq_id = 1", FindingKind.Missing, 1)]
    public async Task shows_what_was_deleted(string sql, FindingKind kind, long position, FindingKind? second = null, long at = 0)
    {
        await using var log = await AuditedLog.With(streams: 6);
        await log.Tamper(sql);
        var report = await log.Verify();
        report.Names(kind, position);
        if (second is { } other)
        {
            report.Names(other, at);
        }
    }

    [Theory]
    [InlineData(300)]
    [InlineData(1)]
    [InlineData(256)]
    [InlineData(600)]
    public async Task shows_what_was_deleted_and_closed(int position)
    {
        await using var log = await AuditedLog.With(streams: 6);
        await log.Tamper(Of(RemoveAndRenumber, position));
        var report = await log.Verify();
        Assert.Single(
            report.Findings, finding => finding.Kind is FindingKind.Removed or FindingKind.Missing && finding.Position == position);
        Assert.DoesNotContain(report.Findings, static finding => finding.Kind is FindingKind.Changed);
    }

    [Fact]
    public async Task shows_two_holes_that_were_closed()
    {
        await using var log = await AuditedLog.With(streams: 6);
        await log.Tamper(Of(RemoveAndRenumber, 400) + Of(RemoveAndRenumber, 200));
        var report = await log.Verify();
        report.Names(FindingKind.Removed, 200);
        report.Names(FindingKind.Removed, 400);
    }

    [Theory]
    [InlineData(300)]
    [InlineData(2)]
    [InlineData(257)]
    public async Task shows_what_was_put_in(int position)
    {
        await using var log = await AuditedLog.With(streams: 6);
        await log.Tamper(Of(InsertAndRenumber, position));
        var report = await log.Verify();
        report.Names(FindingKind.Inserted, position);
        Assert.DoesNotContain(report.Findings, static finding => finding.Kind is FindingKind.Changed);
    }

    [Theory]
    [InlineData(300, 301)]
    [InlineData(300, 310)]
    [InlineData(10, 590)]
    [InlineData(599, 600)]
    [InlineData(1, 2)]
    public async Task shows_what_was_swapped(int one, int other)
    {
        await using var log = await AuditedLog.With(streams: 6);
        await log.Tamper(Of(Swap, one, other));
        var report = await log.Verify();
        report.Names(FindingKind.Reordered, one);
        report.Names(FindingKind.Reordered, other);
        Assert.DoesNotContain(report.Findings, static finding => finding.Kind is FindingKind.Changed or FindingKind.Removed);
    }

    [Theory]
    [InlineData("update crm.audit_tiles set hashes = set_byte(hashes, 10, get_byte(hashes, 10) # 1) where level = 0 and first = 256", 257)]
    [InlineData("delete from crm.audit_tiles where level = 0 and first = 256", 257)]
    [InlineData("update crm.audit_tiles set hashes = set_byte(hashes, 40, get_byte(hashes, 40) # 1) where level = 1", 257)]
    [InlineData("delete from crm.audit_tiles where level = 1", 0)]
    [InlineData("insert into crm.audit_tiles select 0, 1, substr(hashes, 33) from crm.audit_tiles where level = 0 and first = 0", 2)]
    public async Task shows_a_forged_tree_and_that_the_events_are_right(string sql, long position)
    {
        await using var log = await AuditedLog.With(streams: 6);
        await log.Tamper(sql);
        var report = await log.Verify();
        report.Names(FindingKind.Tile, position);
        Assert.DoesNotContain(report.Findings, static finding => finding.Kind is FindingKind.Changed or FindingKind.Head);
        Assert.Equal((1, 600), (report.Heads, report.SignedUpTo));
    }

    [Theory]
    [InlineData("update crm.mt_events set version = version + 1000 where seq_id = 300", FindingKind.Stream, 0)]
    [InlineData("update crm.mt_streams set version = version + 1", FindingKind.Stream, 0)]
    [InlineData("update crm.log_counter set position = position + 1", FindingKind.Counter, 600)]
    public async Task shows_what_no_longer_agrees(string sql, FindingKind kind, long position)
    {
        await using var log = await AuditedLog.With(streams: 6);
        await log.Tamper(sql);
        (await log.Verify()).Names(kind, position);
    }

    [Fact]
    public async Task all_over_is_counted_and_told_up_to_a_hundred_times()
    {
        await using var log = await AuditedLog.With(streams: 6);
        await log.Tamper("update crm.mt_events set data = jsonb_set(data, '{text}', '\"x\"')");
        var report = await log.Verify();
        Assert.Equal(100, report.Findings.Count);
        Assert.True(report.FindingsInAll >= 600);
        report.Names(FindingKind.Changed, 1);
    }

    private static string Of(string sql, params object[] values) =>
        string.Format(System.Globalization.CultureInfo.InvariantCulture, sql, values);
}

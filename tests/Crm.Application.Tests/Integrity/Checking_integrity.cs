using Crm.Application.Integrity;
using Crm.Application.Leads;
using Crm.Application.Seeding;
using Crm.Domain.Leads;
using Crm.EventStore.Audit;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Projections;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.Application.Tests.Integrity;

public sealed class Checking_integrity : IAsyncLifetime
{
    private const int Everything = 50_000;

    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private readonly TestDatabase database = new();
    private EventLog? log;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private EventLog Log => log ?? throw new InvalidOperationException("The log is made before each test.");

    public async ValueTask InitializeAsync()
    {
        await database.InitializeAsync();
        log = new EventLog(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        await LeadSeed.To(log, 60, seed: 5, Now, progress: null, Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        await database.DisposeAsync();
    }

    [Fact]
    public async Task passes_sound_data_whole_and_writes_nothing()
    {
        await Rebuild();
        var before = await Content();

        var report = await Check();

        Assert.All(report.Items, item => Assert.True(item.Passed, $"{item.Id}: {string.Join(", ", item.First)}"));
        Assert.Equal((100.0, true), (report.PassRate, report.IsSound));
        Assert.All(
            report.Items.Where(item => item.Id != "receipts"), item => Assert.True(item.Checked > 0, $"{item.Id} looked at nothing"));
        Assert.Equal(before, await Content());
    }

    /// <summary>A check that cannot fail is worth nothing: each meets an offender of its own, put there past every guard.</summary>
    [Fact]
    public async Task finds_an_offender_of_every_kind_and_names_it()
    {
        await Rebuild();
        var leads = await Leads();
        await Corrupt($"update crm_read.lead_board set status = 'asleep' where lead_id = '{leads[0]}'");
        await Corrupt(
            "update crm_read.lead_board set last_name = null, company = ' ', email = null, phone = null, external_id = null "
            + $"where lead_id = '{leads[1]}'");
        await Corrupt($"update crm_read.lead_board set score_rules = 0, score_set_by_hand = false where lead_id = '{leads[2]}'");
        await Corrupt($"update crm_read.lead_board set created_at = '1960-01-01' where lead_id = '{leads[3]}'");
        await Corrupt($"update crm_read.lead_board set updated_at = created_at - interval '1 day' where lead_id = '{leads[4]}'");
        await Corrupt($"update crm_read.lead_board set version = 0 where lead_id = '{leads[5]}'");
        await Corrupt($"update crm_read.lead_board set status = 'converted', converted_at = null where lead_id = '{leads[6]}'");
        await Corrupt($"update crm_read.lead_board set value_amount = 5, value_currency = null where lead_id = '{leads[7]}'");
        await Corrupt($"update crm_read.lead_board set score = 150 where lead_id = '{leads[8]}'");
        await Corrupt($"update crm_read.lead_board set value_amount = -5, value_currency = 'EUR' where lead_id = '{leads[9]}'");
        await Corrupt(
            "update crm_read.lead_board set created_at = now() + interval '100 years', updated_at = now() + interval '100 years' "
            + $"where lead_id = '{leads[10]}'");
        await Corrupt($"update crm_read.lead_board set email = 'nobody' where lead_id = '{leads[11]}'");
        await Corrupt($"update crm_read.lead_board set phone = 'call me' where lead_id = '{leads[12]}'");
        var activities = await Positions("type = 'lead-activity-logged'", 3);
        await Corrupt($"update crm.mt_events set data = jsonb_set(data, '{{kind}}', '\"pigeon\"') where seq_id = {activities[0]}");
        await Corrupt($"update crm.mt_events set data = jsonb_set(data, '{{direction}}', '\"up\"') where seq_id = {activities[1]}");
        await Corrupt($"update crm.mt_events set data = data - 'at' where seq_id = {activities[2]}");
        var others = await Positions("type <> 'lead-activity-logged' and version > 1", 5);
        await Corrupt($"delete from crm.mt_events where seq_id = {others[0]}");
        await Corrupt(
            $"update crm.mt_events set headers = jsonb_set(headers, '{{recordedAt}}', '\"1999-12-31\"') where seq_id = {others[1]}");
        await Corrupt($"update crm.mt_events set stream_id = gen_random_uuid() where seq_id = {others[2]}");
        await Corrupt($"update crm.mt_streams set version = version + 1 where id = '{leads[20]}'");
        await Corrupt($"update crm.mt_events set type = 'lead-vanished' where seq_id = {others[4]}");
        await Corrupt($"update crm.unique_keys set stream_id = '{leads[21]}' where stream_id = '{leads[22]}'");
        await Corrupt(
            "insert into crm.receipts (caller, key, request_hash, status, stream_id, version, event_types, position, recorded_at) "
            + "values ('c', 'k', '\\x00', 200, gen_random_uuid(), 1, '{lead-captured}', 1, now())");
        await Corrupt($"delete from crm.subject_keys where stream_id = '{leads[24]}'");
        await Corrupt(
            "insert into crm.parked (projection, stream_id, position, error) "
            + $"values ('funnel', '{leads[23]}', 1, 'a specification')");
        await Corrupt("update crm.projections set error = 'a specification' where name = 'sources'");

        var report = await Check();

        Assert.All(report.Items, item => Assert.False(item.Passed, $"{item.Id} found nothing"));
        void Names(string check, object offender) => Assert.Contains(
            report.Items.Single(item => item.Id == check).First,
            first => first.Contains(offender.ToString()!, StringComparison.Ordinal)); // an id
        Names("lead-status", leads[0]);
        Names("lead-identity", leads[1]);
        Names("lead-temperature", leads[2]);
        Names("lead-created", leads[3]);
        Names("lead-updated", leads[4]);
        Names("lead-version", leads[5]);
        Names("lead-milestone", leads[6]);
        Names("lead-currency", leads[7]);
        Names("lead-score", leads[8]);
        Names("lead-value", leads[9]);
        Names("lead-future", leads[10]);
        Names("lead-email", leads[11]);
        Names("lead-phone", leads[12]);
        Names("activity-kind", activities[0]);
        Names("activity-direction", activities[1]);
        Names("activity-time", activities[2]);
        Names("log-positions", others[0]);
        Names("log-times", others[1]);
        Names("log-streams", others[2]);
        Names("log-versions", leads[20]);
        Names("log-readable", others[4]);
        Names("subject-keys", leads[24]);
        Names("audit-tree", $"position {activities[0]} ");
        Names("unique-keys", leads[21]);
        Names("unique-keys", leads[22]);
        Names("parked", "funnel");
        Names("projections", "sources");
        Assert.DoesNotContain(report.Items.SelectMany(item => item.First), first => first.Contains("call me", StringComparison.Ordinal));
    }

    [Fact]
    public async Task tells_a_read_model_that_shows_something_else_from_one_that_does_not()
    {
        await Rebuild();
        var leads = await Leads();
        (string Model, string Corruption)[] corruptions =
        [
            ("lead_history", "update crm_read.lead_history_open set score = score + 1 where lead_id = "),
            ("lead_timeline", "delete from crm_read.lead_timeline where version = 1 and lead_id = "),
            ("audit_trail", "update crm_read.audit_trail set actor = 'somebody' where stream_id = "),
            ("funnel", "update crm_read.funnel_facts set amount = amount + 0.01 where lead_id = "),
            ("agents", "update crm_read.agents_streams set is_archived = not is_archived where stream_id = "),
        ];
        foreach (var ((_, corruption), lead) in corruptions.Zip(leads))
        {
            await Corrupt($"{corruption}'{lead}'");
        }

        var found = (await Check()).Items.Single(item => item.Id == "read-models");

        Assert.Equal(corruptions.Zip(leads, (each, lead) => $"{each.Model}: {lead}").Order(), found.First.Order());
    }

    [Fact]
    public async Task sees_a_counter_that_has_run_away_and_one_that_lags()
    {
        await Rebuild();
        await Corrupt("update crm.log_counter set position = position + 1");
        Assert.False((await Check()).Items.Single(item => item.Id == "log-positions").Passed);
        await Corrupt("update crm.log_counter set position = position - 2");
        Assert.False((await Check()).Items.Single(item => item.Id == "log-positions").Passed);
    }

    [Fact]
    public async Task repairs_a_missing_temperature_and_a_capture_in_the_future_by_events()
    {
        var (cold, late) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await Capture(cold, new LeadCaptured(LeadDetails.Unknown with { LastName = "x", Email = "x@example.com" }, 0, 0), Now);
        await Capture(late, new LeadCaptured(LeadDetails.Unknown with { LastName = "y" }, 5, 1), DateTimeOffset.UtcNow.AddYears(5));
        await Rebuild();
        var before = await Check();
        Assert.Equal(["lead-temperature", "lead-future"], before.Items.Where(item => !item.Passed).Select(item => item.Id));
        var position = await Log.LastPosition(Ct);

        Assert.Equal(1, (await Repair(IntegrityCheck.LeadTemperature, dryRun: true)).Repaired);
        Assert.Equal(position, await Log.LastPosition(Ct));
        Assert.Equal(1, (await Repair(IntegrityCheck.LeadTemperature)).Repaired);
        Assert.Equal(1, (await Repair(IntegrityCheck.LeadFuture)).Repaired);

        await Rebuild();
        Assert.True((await Check()).IsSound);
        Assert.IsType<LeadScoreChanged>((await Log.ReadStream(cold, Ct))[^1].Data);
        var corrected = Assert.IsType<LeadCaptureTimeCorrected>((await Log.ReadStream(late, Ct))[^1].Data);
        Assert.Equal((await Log.ReadStream(late, Ct))[0].RecordedAt, corrected.CapturedAt);
        Assert.Equal(0, (await Repair(IntegrityCheck.LeadFuture)).Found);
    }

    [Fact]
    public async Task repairs_unique_keys_and_read_models_from_the_log()
    {
        await Rebuild();
        var leads = await Leads();
        await Corrupt($"update crm.unique_keys set stream_id = '{leads[1]}' where stream_id = '{leads[2]}'");
        await Corrupt($"delete from crm.unique_keys where stream_id = '{leads[3]}'");
        await Corrupt("update crm_read.lead_board set score = 1 + score % 100");

        Assert.Equal(3, (await Repair(IntegrityCheck.UniqueKeys)).Repaired);
        Assert.Equal("lead_board", Assert.Single((await Repair(IntegrityCheck.ReadModels)).Items).What);

        Assert.True((await Check()).IsSound);
        Assert.All(leads, lead => Assert.NotEqual(Guid.Empty, lead));
    }

    [Fact]
    public async Task says_what_it_cannot_repair() =>
        Assert.Contains(
            "level 4",
            (await Assert.ThrowsAsync<NotRepairableException>(() => Repair(IntegrityCheck.LogPositions))).Message,
            StringComparison.Ordinal);

    private Task<IntegrityReport> Check() =>
        new IntegrityRun(database.App, Log, ProjectionList.All).Run(DateTimeOffset.UtcNow, seed: 1, progress: null, Ct, sample: Everything);

    private async Task<RepairReport> Repair(IntegrityCheck check, bool dryRun = false)
    {
        using var commands = new CommandRunner(Log);
        using var rebuilder = new Rebuilder(database.App, Log, NullLogger<Rebuilder>.Instance);
        return await new IntegrityRepair(database.App, Log, commands, ProjectionList.All, rebuilder)
            .Run(check, DateTimeOffset.UtcNow, dryRun, Ct);
    }

    private async Task Rebuild()
    {
        using var rebuilder = new Rebuilder(database.App, Log, NullLogger<Rebuilder>.Instance);
        await Task.WhenAll(ProjectionList.All.Select(projection => rebuilder.Rebuild(projection, progress: null, Ct)));
        while (await new AuditTree(database.App).Grow(Ct) is { } tree && tree.Size < tree.LogPosition)
        {
        }
    }

    private async Task Capture(Guid lead, LeadCaptured captured, DateTimeOffset at)
    {
        var append = new StreamAppend(lead, LeadStream.Kind.Aggregate.StreamType, 0, [new NewEvent(Guid.NewGuid(), captured, at)]);
        Assert.IsType<AppendOutcome.Appended>(await Log.Append(new AppendCommand([append], Envelope.System), Ct));
    }

    /// <summary>Changes what nobody may change: as the superuser, with the keys between tables switched off.</summary>
    private async Task Corrupt(string sql)
    {
        await using var connection = await database.Superuser.OpenConnectionAsync(Ct);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("select set_config('session_replication_role', 'replica', true)"),
                new NpgsqlBatchCommand(sql),
            },
        };
        await batch.ExecuteNonQueryAsync(Ct);
    }

    private async Task<Guid[]> Leads() => await One<Guid[]>(
        "select array_agg(lead_id order by lead_id) from crm_read.lead_board where external_id is not null");

    private Task<long[]> Positions(string where, int count) => One<long[]>(
        $"select array_agg(seq_id) from (select seq_id from crm.mt_events where {where} order by seq_id desc limit {count}) e");

    private Task<string> Content() => One<string>(
        "select concat_ws('|', (select count(*) from crm.mt_events), (select position from crm.log_counter), "
        + "(select count(*) from crm.unique_keys), "
        + "(select count(*) from crm.jobs), (select sum(position) from crm.projections))");

    private async Task<T> One<T>(string sql)
    {
        await using var command = database.Superuser.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Ct) ?? throw new InvalidOperationException("No row."));
    }
}

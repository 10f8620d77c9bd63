using Crm.Application;
using Crm.EventStore.Log;
using Crm.Testing;
using Npgsql;

namespace Crm.Projections.Tests;

/// <summary>Whatever the state of the trail, all of somebody's events are found.</summary>
public sealed class Selecting_somebodys_events(OrderlyReadModels models) : IClassFixture<OrderlyReadModels>
{
    private static readonly string Actor = GeneratedHistory.Agents[1].ToString("D");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task finds_them_by_each_name_and_within_the_window()
    {
        Assert.Equal(Expected(recorded => recorded.Envelope.Actor == Actor), await Found(new AuditSelection { Actor = Actor }));
        Assert.Equal(
            Expected(recorded => recorded.Envelope.OperationId == "op-1"), await Found(new AuditSelection { OperationId = "op-1" }));
        Assert.Equal(
            Expected(recorded => recorded.Envelope.CorrelationId == "c7"), await Found(new AuditSelection { CorrelationId = "c7" }));
        Assert.Equal(
            Expected(recorded => recorded.Envelope.Actor == Actor && recorded.Position is > 100 and <= 300),
            await Found(new AuditSelection { Actor = Actor, After = 100, UpTo = 300 }));
        Assert.Empty(await Found(new AuditSelection { ApiKeyId = "none" }));
    }

    [Fact]
    public async Task looks_into_the_log_where_the_trail_has_not_come_yet_and_behind_what_is_parked()
    {
        // As if the trail had been told only so far; rows beyond are not to be counted twice.
        await using var own = await TestDatabase.Create();
        await using var log = new EventLog(own.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        await Happened(log);
        var all = Expected(recorded => recorded.Envelope.Actor == Actor);

        Assert.Equal(all, await Found(own.App, log));

        await Run(own, "insert into crm.projections (name, revision, build, position) values ('audit_trail', 3, 1, 400)");
        await Run(
            own,
            """
            create table crm_read.audit_trail as
            select seq_id as position, stream_id, 'lead' as stream_type, headers ->> 'actor' as actor from crm.mt_events where seq_id <= 400
            """);
        Assert.Equal(all, await Found(own.App, log));

        var parked = OrderlyReadModels.History[200];
        await Run(
            own,
            $"insert into crm.parked (projection, stream_id, position, error) values ('audit_trail', '{parked.StreamId}', 201, 'x')");
        await Run(own, $"delete from crm_read.audit_trail where stream_id = '{parked.StreamId}' and position >= 201");
        Assert.Equal(all, await Found(own.App, log));
    }

    [Fact]
    public async Task refuses_to_select_everybody() => await Assert.ThrowsAsync<ArgumentException>(() => Found(new AuditSelection()));

    private async Task<IReadOnlyList<long>> Found(AuditSelection selection)
    {
        await using var log = new EventLog(models.Database, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        return [.. (await AuditTrail.Select(models.Database, log, selection, Ct)).Select(found => found.Position)];
    }

    private static async Task<IReadOnlyList<long>> Found(NpgsqlDataSource database, EventLog log) =>
        [.. (await AuditTrail.Select(database, log, new AuditSelection { Actor = Actor }, Ct)).Select(found => found.Position)];

    private static List<long> Expected(Func<RecordedEvent, bool> holds) =>
        [.. OrderlyReadModels.History.Where(holds).Select(recorded => recorded.Position)];

    private static async Task Happened(EventLog log)
    {
        foreach (var recorded in OrderlyReadModels.History)
        {
            var append = new StreamAppend(
                recorded.StreamId, recorded.Data is Domain.Leads.LeadEvent ? "lead" : "user", recorded.Version - 1,
                [new NewEvent(recorded.Id, recorded.Data, recorded.At)]);
            Assert.IsType<AppendOutcome.Appended>(await log.Append(new AppendCommand([append], recorded.Envelope), Ct));
        }
    }

    private static async Task Run(TestDatabase database, string sql)
    {
        await using var command = database.Superuser.CreateCommand(sql + "; grant select on all tables in schema crm_read to crm_app");
        await command.ExecuteNonQueryAsync(Ct);
    }
}

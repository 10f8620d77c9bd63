using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Projections.Tests;

/// <summary>Read models of a history in which some leads are erased while it goes on.</summary>
public sealed class ErasedReadModels : ReadModels
{
    public const int Erased = 10;

    public static IReadOnlyList<RecordedEvent> History { get; } =
        GeneratedHistory.Of(seed: 5, leads: 30, events: 400, inOrder: false, erased: Erased);

    public override IReadOnlyList<RecordedEvent> Given => History;
}

public sealed class Erased_leads(ErasedReadModels models) : IClassFixture<ErasedReadModels>
{
    public static TheoryData<string> Projections => [.. ProjectionList.All.Select(projection => projection.Name)];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Projections))]
    public async Task stand_in_live_tables_as_a_rebuild_makes_them(string name)
    {
        var projection = ProjectionList.All.Single(one => one.Name == name);
        var report = await models.Rebuilder.Rebuild(projection, progress: null, Ct);
        Assert.NotNull(report);
        Assert.Empty(report.Parked);
        Assert.All(report.Tables, table => Assert.True(table.EqualsLive, table.Name));
    }

    [Fact]
    public async Task count_in_every_figure_as_they_did_before()
    {
        // The same history without the erasures gives the same figures, but for the erasures themselves.
        await using var unerased = new OtherModels();
        await unerased.InitializeAsync();
        foreach (var table in new[] { "funnel_totals", "sources_totals", "agents_totals", "response_times_totals" })
        {
            var ours = await Rows(models.Superuser, table);
            Assert.NotEmpty(ours);
            Assert.Equal(await Rows(unerased.Superuser, table), ours);
        }

        var activities = await Rows(models.Superuser, "activity_totals");
        Assert.Equal(await Rows(unerased.Superuser, "activity_totals"), activities.Where(row => !row.Contains("lead-erased", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task keep_no_personal_value_and_no_place_in_lists()
    {
        var erased = ErasedReadModels.History.Where(recorded => recorded.Data is LeadErased).Select(recorded => recorded.StreamId).ToArray();
        Assert.Equal(ErasedReadModels.Erased, erased.Length);
        foreach (var lead in erased)
        {
            Assert.Null(await LeadBoard.Find(models.Database, lead, Ct));
        }

        const string Values = "coalesce(first_name, last_name, email, phone, company, external_id, disqualify_reason) is not null or tags <> '{}'";
        foreach (var table in new[] { "lead_history_open", "lead_history_closed" })
        {
            await using var count = models.Superuser.CreateCommand(
                $"select count(*), count(*) filter (where {Values}), count(*) filter (where not is_erased) from crm_read.{table} where lead_id = any($1)");
            count.Parameters.Add(new() { Value = erased });
            await using var row = await count.ExecuteReaderAsync(Ct);
            Assert.True(await row.ReadAsync(Ct));
            Assert.True(row.GetInt64(0) >= erased.Length);
            Assert.Equal((0L, 0L), (row.GetInt64(1), row.GetInt64(2)));
        }

        var moment = ErasedReadModels.History[^1].Position - ErasedReadModels.Erased;
        var then = await LeadBoard.Page(
            models.Database, new LeadQuery { Archived = null, Limit = 200, AsOf = AsOf.UpTo(moment) }, Visibility.All, Ct);
        Assert.Equal(30 - ErasedReadModels.Erased, then.Items.Count);
    }

    private static async Task<List<string>> Rows(Npgsql.NpgsqlDataSource database, string table)
    {
        await using var read = database.CreateCommand($"select t::text from crm_read.{table} t where count <> 0 or amount <> 0 order by 1");
        var rows = new List<string>();
        await using var reader = await read.ExecuteReaderAsync(Ct);
        while (await reader.ReadAsync(Ct))
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }

    private sealed class OtherModels : ReadModels
    {
        public override IReadOnlyList<RecordedEvent> Given => [.. ErasedReadModels.History.Where(recorded => recorded.Data is not LeadErased)];
    }
}

namespace Crm.Projections.Tests;

public sealed class Live_tables(DisorderlyReadModels models) : IClassFixture<DisorderlyReadModels>
{
    public static TheoryData<string> Projections => [.. ProjectionList.All.Select(projection => projection.Name)];

    [Theory]
    [MemberData(nameof(Projections))]
    public async Task equal_a_rebuild_row_for_row(string name)
    {
        var projection = ProjectionList.All.Single(one => one.Name == name);
        var report = await models.Rebuilder.Rebuild(projection, progress: null, TestContext.Current.CancellationToken);
        Assert.NotNull(report);
        Assert.Empty(report.Parked);
        Assert.All(report.Tables, table => Assert.True(table.EqualsLive, table.Name));
        Assert.NotEmpty(report.Tables);
    }

    [Fact]
    public async Task read_back_the_state_that_was_written()
    {
        foreach (var stream in DisorderlyReadModels.History.Where(recorded => recorded.Data is Domain.Leads.LeadEvent)
            .GroupBy(recorded => recorded.StreamId))
        {
            Assert.Equal(LeadRow.Fold(stream), await LeadBoard.Find(models.Database, stream.Key, TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task may_be_read_by_the_reporting_role()
    {
        await using var command = models.Reporting.CreateCommand("select count(*) from crm_read.lead_board");
        Assert.Equal(40L, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }
}

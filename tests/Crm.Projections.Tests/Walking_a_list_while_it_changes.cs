using Crm.Domain.Leads;
using Crm.EventStore.Log;

namespace Crm.Projections.Tests;

public sealed class Walking_a_list_while_it_changes(ReadModels models) : IClassFixture<ReadModels>
{
    [Fact]
    public async Task shows_every_lead_that_was_there_exactly_once()
    {
        var story = new Story();
        for (var lead = 1; lead <= 30; lead++)
        {
            story.Then(lead, Story.Captured(source: "round"), lead);
        }

        await models.Happened(story.Events);
        var seen = new List<Guid>();
        var query = new LeadQuery { Limit = 4, Source = "round" };
        string? cursor = null;
        var minute = 100;
        do
        {
            var page = await LeadBoard.Page(models.Database, query with { Cursor = cursor }, Visibility.All, TestContext.Current.CancellationToken);
            seen.AddRange(page.Items.Select(row => row.LeadId));
            cursor = page.NextCursor;
            var told = story.Events.Count;
            story.Then((minute % 30) + 1, new LeadContacted(), minute).Then(minute + 1_000, Story.Captured(source: "round"), minute);
            await models.Happened([.. story.Events.Skip(told)]);
            minute++;
        }
        while (cursor is not null);

        Assert.Equal(Enumerable.Range(1, 30).Reverse().Select(Story.Id), seen);
    }

    [Fact]
    public async Task as_of_a_position_shows_what_stood_there_whatever_happens_since()
    {
        IReadOnlyList<RecordedEvent> more = new Story().Then(5_001, Story.Captured(source: "walk"), 1)
            .Then(5_002, Story.Captured(source: "walk"), 2).Events;
        await models.Happened(more);
        var position = await LastPosition();
        var first = await LeadBoard.Page(
            models.Database, new LeadQuery { Limit = 1, Source = "walk", AsOf = AsOf.UpTo(position) }, Visibility.All,
                TestContext.Current.CancellationToken);
        await models.Happened([more[0] with { Version = 2, Data = new LeadSourceChanged("elsewhere"), Id = Guid.NewGuid() }]);
        var second = await LeadBoard.Page(
            models.Database,
            new LeadQuery { Limit = 1, Source = "walk", AsOf = AsOf.UpTo(position), Cursor = first.NextCursor }, Visibility.All,
            TestContext.Current.CancellationToken);
        Assert.Equal([Story.Id(5_002), Story.Id(5_001)], first.Items.Concat(second.Items).Select(row => row.LeadId));
        Assert.Null(second.NextCursor);
    }

    private async Task<long> LastPosition()
    {
        await using var command = models.Database.CreateCommand("select max(position) from crm_read.audit_trail");
        return (long)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken) ?? 0L);
    }
}

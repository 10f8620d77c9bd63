using Crm.Domain.Leads;

namespace Crm.Projections.Tests;

public sealed class A_lead_row
{
    [Fact]
    public void begins_with_the_capture()
    {
        var row = Row(new Story().Then(1, Story.Captured(), 0));
        Assert.Equal(
            (Story.Id(1), 1L, LeadStatus.New, Story.Minute(0), Story.Minute(0), 1L),
            (row.LeadId, row.Version, row.Lead.Status, row.CreatedAt, row.UpdatedAt, row.SearchVersion));
    }

    [Fact]
    public void dates_the_milestones_it_has_reached_and_forgets_those_taken_back()
    {
        var story = new Story().Then(1, Story.Captured(), 0).Then(1, Story.Call(1), 1).Then(1, new LeadContacted(), 1)
            .Then(1, new LeadQualified(null), 2)
            .Then(1, new LeadConverted(null, null), 3);
        var converted = Row(story);
        Assert.Equal((Story.Minute(1), Story.Minute(2), Story.Minute(3)),
            (converted.ContactedAt, converted.QualifiedAt, converted.ConvertedAt));
        var unconverted = Row(story.Then(1, new LeadUnconverted(null), 4));
        Assert.Equal((Story.Minute(2), null), (unconverted.QualifiedAt, unconverted.ConvertedAt));
        var disqualified = Row(story.Then(1, new LeadDisqualified("no budget"), 5));
        Assert.Equal((Story.Minute(5), "no budget"), (disqualified.DisqualifiedAt, disqualified.DisqualifyReason));
        var reopened = Row(story.Then(1, new LeadReopened(null), 6));
        Assert.Equal((Story.Minute(1), null, null, null),
            (reopened.ContactedAt, reopened.QualifiedAt, reopened.DisqualifiedAt, reopened.DisqualifyReason));
    }

    [Fact]
    public void never_runs_backwards_in_time()
    {
        var row = Row(new Story().Then(1, Story.Captured(), 10).Then(1, new LeadContacted(), 5));
        Assert.Equal((Story.Minute(10), Story.Minute(10)), (row.UpdatedAt, row.ContactedAt));
    }

    [Fact]
    public void counts_activities_and_notes()
    {
        var row = Row(new Story().Then(1, Story.Captured(), 0).Then(1, Story.Call(9), 10).Then(1, Story.Call(4), 11)
            .Then(1, new LeadNoteAdded(Guid.Empty, "hello"), 12));
        Assert.Equal((2, 1, Story.Minute(9)), (row.ActivityCount, row.NoteCount, row.LastActivityAt));
    }

    [Fact]
    public void as_of_a_time_ends_before_the_first_event_that_came_later()
    {
        var story = new Story().Then(1, Story.Captured(), 0).Then(1, new LeadContacted(), 10).Then(1, new LeadQualified(null), 5);
        Assert.Equal(1, LeadRow.FoldAsOf(story.Events, Story.Minute(7))?.Version);
        Assert.Equal(3, LeadRow.FoldAsOf(story.Events, Story.Minute(10))?.Version);
        Assert.Null(LeadRow.FoldAsOf(story.Events, Story.Minute(-1)));
    }

    [Fact]
    public void is_searched_anew_only_when_what_a_search_looks_in_changes()
    {
        var story = new Story().Then(1, Story.Captured(), 0).Then(1, new LeadContacted(), 1).Then(1, new LeadCompanyChanged("Other"), 2)
            .Then(1, new LeadQualified(null), 3);
        Assert.Equal([1L, 3L], Folding.Of(new LeadBoard(), story.Events).Entries.Select(entry => entry.Version));
    }

    private static LeadRow Row(Story story) => LeadRow.Fold(story.Events) ?? throw new InvalidOperationException("There is no event.");
}

using Crm.Domain.Leads;

namespace Crm.Projections.Tests;

public sealed class The_audit_trail(DisorderlyReadModels models) : IClassFixture<DisorderlyReadModels>
{
    [Fact]
    public void tells_field_by_field_what_an_event_changed()
    {
        var entries = Entries(new Story().Then(1, Story.Captured(), 0)
            .Then(1, new LeadContactDetailsChanged("Ada", "King", null, "+44 20 7946 0000"), 1));
        Assert.Equal(
            [new FieldChange("lastName", "\"Lovelace\"", "\"King\""), new FieldChange("email", "\"ada@example.org\"", null)],
            Changes.FromJson(entries[1].Changes));
        Assert.Contains(new FieldChange("status", null, "\"new\""), Changes.FromJson(entries[0].Changes));
        Assert.Contains(new FieldChange("value", null, """{"amount":100,"currency":"EUR"}"""), Changes.FromJson(entries[0].Changes));
    }

    [Fact]
    public void tells_why_as_the_request_said_or_else_the_event()
    {
        var entries = Entries(new Story().Then(1, Story.Captured(), 0)
            .Then(1, new LeadArchived("of the event"), 1).Then(1, new LeadUnarchived("of the event"), 2, reason: "of the request"));
        Assert.Equal([null, "of the event", "of the request"], entries.Select(entry => entry.Reason));
    }

    [Fact]
    public async Task holds_every_event_of_every_stream()
    {
        var all = await Walk(new AuditQuery { Limit = 200 });
        Assert.Equal(DisorderlyReadModels.History.Select(recorded => recorded.Position).Reverse(), all.Select(entry => entry.Position));
        Assert.Equal(["lead", "user"], all.Select(entry => entry.StreamType).Distinct().Order());
    }

    [Fact]
    public async Task reads_back_what_the_events_said()
    {
        var entry = (await Walk(new AuditQuery { Limit = 100 })).Single(one => one.Position == 40);
        var recorded = DisorderlyReadModels.History[39];
        Assert.Equal(
            (recorded.StreamId, recorded.Version, recorded.Type, recorded.At, recorded.Envelope.Actor, recorded.Envelope.OperationId,
                recorded.Envelope.CorrelationId),
            (entry.StreamId, entry.Version, entry.Type, entry.At, entry.Actor, entry.OperationId, entry.CorrelationId));
    }

    [Fact]
    public async Task filters_by_actor_type_stream_operation_and_time()
    {
        var history = DisorderlyReadModels.History;
        var (from, to) = (history[100].At, history[300].At);
        var actor = GeneratedHistory.Agents[1].ToString("D");
        await Shows(new AuditQuery { Actor = actor }, recorded => recorded.Envelope.Actor == actor);
        await Shows(new AuditQuery { Type = "lead-qualified" }, recorded => recorded.Data is LeadQualified);
        await Shows(new AuditQuery { StreamId = Story.Id(3) }, recorded => recorded.StreamId == Story.Id(3));
        await Shows(new AuditQuery { OperationId = "op-1" }, recorded => recorded.Envelope.OperationId == "op-1");
        await Shows(new AuditQuery { From = from, To = to, Type = "lead-contacted" }, recorded => recorded.At >= from && recorded.At <= to
            && recorded.Data is LeadContacted);
    }

    [Fact]
    public async Task refuses_a_cursor_of_other_filters()
    {
        var page = await AuditTrail.Page(models.Database, new AuditQuery { Limit = 2 }, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<BadCursorException>(
            () => AuditTrail.Page(models.Database, new AuditQuery { Cursor = page.NextCursor, Type = "lead-captured" },
                TestContext.Current.CancellationToken));
    }

    private async Task Shows(AuditQuery query, Func<EventStore.Log.RecordedEvent, bool> matches)
    {
        var shown = await Walk(query with { Limit = 7 });
        Assert.NotEmpty(shown);
        Assert.Equal(DisorderlyReadModels.History.Where(matches).Select(recorded => recorded.Position).Reverse(),
            shown.Select(entry => entry.Position));
    }

    private async Task<List<AuditEntry>> Walk(AuditQuery query)
    {
        var entries = new List<AuditEntry>();
        string? cursor = null;
        do
        {
            var page = await AuditTrail.Page(models.Database, query with { Cursor = cursor }, TestContext.Current.CancellationToken);
            entries.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        return entries;
    }

    private static IReadOnlyList<AuditEntry> Entries(Story story) => Folding.Of(new AuditTrail(), story.Events).Entries;
}

public sealed class The_timeline(DisorderlyReadModels models) : IClassFixture<DisorderlyReadModels>
{
    [Fact]
    public void tells_each_event_in_a_sentence()
    {
        var story = new Story().Then(1, Story.Captured(), 0).Then(1, Story.Call(1), 1).Then(1, new LeadDisqualified("no budget"), 2)
            .Then(1, new LeadScoreChanged(85, 1), 3);
        Assert.Equal(
            ["Captured Ada Lovelace, Analytical Engines from referral, expected value 100 EUR.", "Called the lead: Hello.",
                "Disqualified: no budget.", "Score is now 85 (hot)."],
            Folding.Of(new LeadTimeline(), story.Events).Entries.Select(entry => entry.Sentence));
    }

    [Fact]
    public async Task names_agents_and_actors_as_they_are_called_now()
    {
        var assigned = DisorderlyReadModels.History.First(recorded => recorded.Data is LeadAssigned one
            && one.AgentId == GeneratedHistory.Agents[0]);
        var lines = await LeadTimeline.Of(models.Database, assigned.StreamId, TestContext.Current.CancellationToken);
        Assert.Equal("Assigned to Agent Zero.", lines.Single(line => line.Position == assigned.Position).Sentence);
        Assert.Equal(DisorderlyReadModels.History.Count(recorded => recorded.StreamId == assigned.StreamId), lines.Count);
        Assert.All(lines, line => Assert.Equal(line.Actor?.Length == 36, line.ActorName is not null));
    }
}

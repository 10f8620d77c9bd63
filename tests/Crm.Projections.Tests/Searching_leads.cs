using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Npgsql;

namespace Crm.Projections.Tests;

public sealed class Searching_leads(Searching_leads.Searched models) : IClassFixture<Searching_leads.Searched>
{
    [Theory]
    [InlineData("love", 1)]
    [InlineData("LOVELACE", 1)]
    [InlineData("da lovel", 1)]
    [InlineData("ada@", 1)]
    [InlineData("7946", 1)]
    [InlineData("50%", 2)]
    [InlineData("%", 2)]
    [InlineData("_", 3)]
    [InlineData("a_b", 3)]
    [InlineData("lo", 1)]
    [InlineData("l", 1)]
    [InlineData("ÅNG", 4)]
    [InlineData("日本", 4)]
    [InlineData("🙂", 4)]
    [InlineData(@"back\slash", 2)]
    public async Task finds(string q, int lead)
    {
        var page = await LeadBoard.Page(models.Database, new LeadQuery { Q = q }, Visibility.All, TestContext.Current.CancellationToken);
        Assert.Equal([Story.Id(lead)], page.Items.Select(row => row.LeadId));
    }

    [Theory]
    [InlineData("zzz")]
    [InlineData("%%%")]
    [InlineData("axb")]
    [InlineData("ove lace")]
    [InlineData("oldname")]
    [InlineData("q")]
    public async Task does_not_find(string q) =>
        Assert.Empty((await LeadBoard.Page(models.Database, new LeadQuery { Q = q }, Visibility.All, TestContext.Current.CancellationToken)).Items);

    [Theory]
    [InlineData("lovelace", "ove", 1)]
    [InlineData("ada@ex", "ada", 1)]
    [InlineData("50% off", "off", 2)]
    [InlineData("oldname", "old", 0)]
    [InlineData("ada lovel", "lov", 1)]
    public async Task by_its_rarest_letters_first_finds_the_same(string q, string part, int lead)
    {
        var query = new LeadQuery { Q = q };
        Guid[] expected = lead == 0 ? [] : [Story.Id(lead)];
        Assert.Equal(expected, await Ids(LeadSelect.Of(query, Visibility.All, after: null, 26, new SearchWay([part]))));
        Assert.Equal(expected, await Ids(LeadSelect.Of(query, Visibility.All, after: null, 26, SearchWay.Walk)));
        Assert.Equal(expected, await Ids(LeadSelect.Of(query, Visibility.All, after: null, 26)));
    }

    [Fact]
    public async Task as_of_a_moment_looks_in_what_stood_then() => Assert.Equal(
        [Story.Id(1)],
        (await LeadBoard.Page(models.Database, new LeadQuery { Q = "oldname", AsOf = AsOf.UpTo(1) }, Visibility.All,
            TestContext.Current.CancellationToken)).Items.Select(row => row.LeadId));

    private async Task<IReadOnlyList<Guid>> Ids(NpgsqlBatchCommand select)
    {
        await using var batch = models.Database.CreateBatch();
        batch.BatchCommands.Add(select);
        await using var reader = await batch.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var ids = new List<Guid>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
        {
            ids.Add(LeadColumns.Read(reader).LeadId);
        }

        return ids;
    }

    public sealed class Searched : ReadModels
    {
        public override IReadOnlyList<RecordedEvent> Given => new Story()
            .Then(1, Named("Ada", "Oldname", "ada@example.org", "+44 20 7946 0000", "Engines"), 0)
            .Then(2, Named("Per", "Cent", null, null, @"50% off back\slash"), 1)
            .Then(3, Named("Under", "Score", null, null, "a_b"), 2)
            .Then(4, Named("Anders", "Ångström", null, null, "日本 🙂"), 3)
            .Then(1, new LeadContactDetailsChanged("Ada", "Lovelace", "ada@example.org", "+44 20 7946 0000"), 4)
            .Events;

        private static LeadCaptured Named(string first, string last, string? email, string? phone, string company) =>
            new(new LeadDetails(first, last, email, phone, company, null, null, [], null), 10, 1);
    }
}

using Crm.Domain.Leads;

namespace Crm.Projections.Tests;

public sealed class Listing_leads(DisorderlyReadModels models) : IClassFixture<DisorderlyReadModels>
{
    private static readonly List<LeadRow> Now = RowsOf(_ => true);

    public static TheoryData<LeadSort, bool> Orders
    {
        get
        {
            var orders = new TheoryData<LeadSort, bool>();
            foreach (var sort in Enum.GetValues<LeadSort>())
            {
                orders.Add(sort, true);
                orders.Add(sort, false);
            }

            return orders;
        }
    }

    public static TheoryData<string> Filters => ["status", "temperature", "owner", "source", "tag", "archived", "any", "created", "score",
        "q", "all"];

    [Theory]
    [MemberData(nameof(Orders))]
    public async Task walks_every_order_without_gap_or_repetition(LeadSort sort, bool descending)
    {
        var query = new LeadQuery { Sort = sort, Descending = descending, Archived = null, Limit = 7 };
        var walked = await Walk(query);
        var expected = Now.OrderBy(row => KeyOf(sort, row), Comparer<object>.Create(Compare))
            .ThenBy(row => row.LeadId.ToString("D"), StringComparer.Ordinal);
        Assert.Equal((descending ? expected.Reverse() : expected).ToList(), walked);
    }

    [Theory]
    [MemberData(nameof(Filters))]
    public async Task shows_only_what_a_filter_asks_for(string filter)
    {
        var (query, matches) = Filter(filter);
        var found = await Walk(query with { Limit = 5 });
        Assert.Equal(Now.Where(matches).Select(row => row.LeadId).Order(), found.Select(row => row.LeadId).Order());
        Assert.NotEmpty(found);
    }

    [Fact]
    public async Task exports_what_the_pages_show()
    {
        var query = new LeadQuery { Sort = LeadSort.Company, Descending = false };
        var exported = await LeadBoard.Export(models.Database, query, Visibility.All, TestContext.Current.CancellationToken)
            .ToListAsync(TestContext.Current.CancellationToken);
        Assert.Equal(await Walk(query with { Limit = 9 }), exported);
    }

    [Fact]
    public async Task refuses_a_cursor_of_other_filters()
    {
        var query = new LeadQuery { Limit = 2, Archived = null };
        var page = await LeadBoard.Page(models.Database, query, Visibility.All, TestContext.Current.CancellationToken);
        Assert.NotNull(page.NextCursor);
        foreach (var other in new[]
        {
            query with { Status = LeadStatus.New }, query with { Descending = false }, query with { Sort = LeadSort.Score },
            query with { Q = "a" },
            query with { AsOf = AsOf.UpTo(3) }, query with { Archived = true },
        })
        {
            await Assert.ThrowsAsync<BadCursorException>(
                () => LeadBoard.Page(models.Database, other with { Cursor = page.NextCursor }, Visibility.All, TestContext.Current.CancellationToken));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("not base64!")]
    [InlineData("AAAAAAAAAAAAAAAA")]
    public async Task refuses_a_cursor_that_is_none(string cursor) => await Assert.ThrowsAsync<BadCursorException>(
        () => LeadBoard.Page(models.Database, new LeadQuery { Cursor = cursor }, Visibility.All, TestContext.Current.CancellationToken));

    [Fact]
    public async Task as_of_every_position_equals_the_fold_of_the_log_up_to_it()
    {
        for (var position = 0L; position <= DisorderlyReadModels.History.Count; position += 23)
        {
            var expected = RowsOf(recorded => recorded.Position <= position);
            var listed = await Walk(new LeadQuery { Archived = null, Limit = 200, AsOf = AsOf.UpTo(position) });
            Assert.Equal(expected.OrderBy(row => row.LeadId), listed.OrderBy(row => row.LeadId));
        }
    }

    [Fact]
    public async Task as_of_the_time_of_any_event_equals_the_fold_of_each_lead_up_to_then()
    {
        foreach (var moment in DisorderlyReadModels.History.Select(recorded => recorded.At).Where((_, index) => index % 19 == 0))
        {
            var expected = Streams().Select(stream => LeadRow.FoldAsOf(stream, moment)).OfType<LeadRow>().OrderBy(row => row.LeadId);
            var listed = await Walk(new LeadQuery { Archived = null, Limit = 200, AsOf = AsOf.At(moment) });
            Assert.Equal(expected, listed.OrderBy(row => row.LeadId));
        }
    }

    [Theory]
    [MemberData(nameof(Filters))]
    public async Task filters_as_of_a_moment(string filter)
    {
        var (query, matches) = Filter(filter);
        var position = DisorderlyReadModels.History.Count * 2 / 3;
        var found = await Walk(query with { AsOf = AsOf.UpTo(position), Limit = 5, Sort = LeadSort.Value });
        Assert.Equal(
            RowsOf(recorded => recorded.Position <= position).Where(matches).Select(row => row.LeadId).Order(),
            found.Select(row => row.LeadId).Order());
    }

    private static IEnumerable<IGrouping<Guid, EventStore.Log.RecordedEvent>> Streams() =>
        DisorderlyReadModels.History.Where(recorded => recorded.Data is LeadEvent).GroupBy(recorded => recorded.StreamId);

    private static List<LeadRow> RowsOf(Func<EventStore.Log.RecordedEvent, bool> taken) =>
        [.. Streams().Select(stream => LeadRow.Fold(stream.Where(taken))).OfType<LeadRow>()];

    private static (LeadQuery Query, Func<LeadRow, bool> Matches) Filter(string filter)
    {
        var all = new LeadQuery { Archived = null };
        var middle = Now.Select(row => row.CreatedAt).Order().ElementAt(Now.Count / 2);
        return filter switch
        {
            "status" => (all with { Status = LeadStatus.Contacted }, row => row.Lead.Status == LeadStatus.Contacted),
            "temperature" => (all with { Temperature = Temperature.Cold }, row => row.Lead.Temperature == Temperature.Cold),
            "owner" => (all with { OwnerId = GeneratedHistory.Agents[0] }, row => row.Lead.OwnerId == GeneratedHistory.Agents[0]),
            "source" => (all with { Source = "website" }, row => row.Lead.Details.Source == "website"),
            "tag" => (all with { Tag = "vip" }, row => row.Lead.Details.Tags.Contains("vip", StringComparer.Ordinal)),
            "archived" => (all with { Archived = true }, row => row.Lead.IsArchived),
            "any" => (all, _ => true),
            "created" => (
                all with { CreatedFrom = middle, CreatedTo = middle.AddDays(1) },
                row => row.CreatedAt >= middle && row.CreatedAt <= middle.AddDays(1)),
            "score" => (all with { MinScore = 70 }, row => row.Lead.Score >= 70),
            "q" => (all with { Q = "SMITH" }, row => row.Lead.Details.LastName is "smith" or "Smith"),
            "all" => (
                new LeadQuery { MinScore = 10, Q = "example.org", Source = "referral", Sort = LeadSort.Score },
                row => row.Lead.Score >= 10 && row.Lead.Details.Source == "referral" && !row.Lead.IsArchived),
            _ => throw new ArgumentOutOfRangeException(nameof(filter), filter, "No such filter."),
        };
    }

    private static int Compare(object? one, object? other) => (one, other) switch
    {
        (string left, string right) => string.CompareOrdinal(left, right),
        _ => Comparer<object>.Default.Compare(one, other),
    };

    private static object KeyOf(LeadSort sort, LeadRow row) => sort switch
    {
        LeadSort.CreatedAt => row.CreatedAt,
        LeadSort.UpdatedAt => row.UpdatedAt,
        LeadSort.Score => row.Lead.Score,
        LeadSort.Value => row.Lead.Details.Value?.Amount ?? -1,
        LeadSort.LastName => (row.Lead.Details.LastName ?? "").ToLowerInvariant(),
        LeadSort.Company => (row.Lead.Details.Company ?? "").ToLowerInvariant(),
    };

    private async Task<List<LeadRow>> Walk(LeadQuery query)
    {
        var rows = new List<LeadRow>();
        string? cursor = null;
        do
        {
            var page = await LeadBoard.Page(models.Database, query with { Cursor = cursor }, Visibility.All, TestContext.Current.CancellationToken);
            Assert.True(page.Items.Count <= query.Limit);
            rows.AddRange(page.Items);
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        return rows;
    }
}

using System.Globalization;

namespace Crm.Projections.Tests;

/// <summary>The choice between walking a list in its order and asking the trigram index first, by a sample of the texts.</summary>
public sealed class How_a_search_goes_about_it
{
    private const double Million = 1_000_000;

    // Every tenth lead is a Nakamura, each has a number of its own, all are reached at "contact".
    private static readonly SearchSample Sample = new(
        [
            .. Enumerable.Range(0, 2_000).Select(lead => (
                string.Create(
                    CultureInfo.InvariantCulture,
                    $" ada {(lead % 10 == 0 ? "nakamura" : "smith")} contact.{(lead * 7_919L) % 1_000_000:D6}@example.org"),
                lead % 5 == 0 ? new[] { "frequent" } : lead == 7 ? ["rare"] : Array.Empty<string>())),
        ],
        Million);

    [Fact]
    public void walks_for_a_frequent_name() => Assert.True(Sample.WayTo("nakamura", 26, 1) is { Walks: true });

    [Fact]
    public void asks_the_index_for_the_rarest_letters_of_an_address()
    {
        var way = Sample.WayTo("contact.523456@", 26, 1);
        Assert.NotNull(way);
        Assert.NotEmpty(way.Parts);
        Assert.All(way.Parts, part => Assert.Contains(part, "523456", StringComparison.Ordinal));
    }

    [Fact]
    public void asks_the_index_when_other_filters_make_a_walk_long() =>
        Assert.True(Sample.WayTo("nakamura", 26, 100_000) is { Walks: false });

    [Fact]
    public void leaves_a_rare_search_without_three_letters_in_a_row_to_the_planner() => Assert.Null(Sample.WayTo(" q", 26, 1));

    [Fact]
    public void walks_for_a_frequent_tag_and_not_for_a_rare_one()
    {
        Assert.True(Sample.IsFrequent("frequent", 26, 1));
        Assert.False(Sample.IsFrequent("rare", 26, 1));
        Assert.False(Sample.IsFrequent("unheard-of", 26, 1));
    }
}

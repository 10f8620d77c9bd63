using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using Npgsql;

namespace Crm.Projections;

/// <summary>
/// Some thousand of the texts that a search looks in, by which it decides how to go about it: PostgreSQL keeps no count of how often
/// three letters stand in a row, and the difference between a good choice and a bad one is that between one millisecond and thirty.
/// Only speed depends on it; what is found does not.
/// </summary>
internal sealed class SearchSample
{
    private const int Wanted = 2_000;

    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(10);
    private static readonly ConditionalWeakTable<NpgsqlDataSource, SearchSample> Samples = [];

    private readonly string[] texts;
    private readonly double leads;
    private readonly Dictionary<string, int> trigrams = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> tags = new(StringComparer.Ordinal);
    private readonly long takenAt = Stopwatch.GetTimestamp();

    /// <summary>A sample of so many leads.</summary>
    internal SearchSample(IReadOnlyList<(string Text, string[] Tags)> rows, double leads)
    {
        texts = [.. rows.Select(row => row.Text)];
        this.leads = Math.Max(leads, texts.Length);
        foreach (var tag in rows.SelectMany(row => row.Tags))
        {
            tags[tag] = tags.GetValueOrDefault(tag) + 1;
        }

        foreach (var trigram in texts.SelectMany(text => TrigramsOf(text).Distinct(StringComparer.Ordinal)))
        {
            trigrams[trigram] = trigrams.GetValueOrDefault(trigram) + 1;
        }
    }

    /// <summary>The sample of a database, taken anew when it is ten minutes old.</summary>
    public static async Task<SearchSample> Of(NpgsqlDataSource database, CancellationToken ct)
    {
        if (Samples.TryGetValue(database, out var known) && Stopwatch.GetElapsedTime(known.takenAt) < Fresh)
        {
            return known;
        }

        var taken = await Take(database, ct);
        Samples.AddOrUpdate(database, taken);
        return taken;
    }

    /// <summary>Whether so many leads have a tag that a walk in the list's order soon fills a page.</summary>
    /// <param name="tag">The tag.</param>
    /// <param name="rows">How many leads the page holds.</param>
    /// <param name="narrowing">By how much the list's other filters narrow a walk down: 1 for no other filter.</param>
    public bool IsFrequent(string tag, int rows, double narrowing) =>
        rows / ((tags.GetValueOrDefault(tag) + 0.3) / (texts.Length + 1)) * narrowing * SearchCost.OfWalkedRow < SearchCost.OfShortWalk;

    /// <summary>How to look for a text.</summary>
    /// <param name="wanted">The text, in lower case.</param>
    /// <param name="rows">How many leads the page holds.</param>
    /// <param name="narrowing">By how much the list's other filters narrow a walk down: 1 for no other filter.</param>
    /// <returns>Null where nothing is known by which the index could be asked, and a walk would be long: the planner's choice.</returns>
    public SearchWay? WayTo(string wanted, int rows, double narrowing)
    {
        var found = texts.Where(text => text.Contains(wanted, StringComparison.Ordinal)).Count();
        var walk = rows / ((found + 0.3) / (texts.Length + 1)) * narrowing * SearchCost.OfWalkedRow;
        if (walk < SearchCost.OfShortWalk)
        {
            return SearchWay.Walk;
        }

        var (parts, candidates, index) = Parts(wanted);
        var matches = leads * (found + 0.3) / (texts.Length + 1);
        var gather = index + (candidates * SearchCost.OfCandidate) + (matches * SearchCost.OfMatch);
        return parts is [] ? null : walk < gather ? SearchWay.Walk : new SearchWay(parts);
    }

    /// <summary>
    /// The rarest trigrams of a text, as many as pay: each further one means more of the index to read, and fewer rows to look at.
    /// </summary>
    private (IReadOnlyList<string> Parts, double Candidates, double Index) Parts(string wanted)
    {
        var left = TrigramsOf(wanted).Distinct(StringComparer.Ordinal).ToList();
        var parts = new List<string>(4);
        var having = texts;
        var (candidates, index) = (leads, 0.0);
        while (left is not [] && parts.Count < 4)
        {
            var best = left
                .Select(trigram => (
                    Trigram: trigram,
                    Reads: leads * (trigrams.GetValueOrDefault(trigram) + 0.3) / (texts.Length + 1) * SearchCost.OfIndexEntry,
                    Having: parts is []
                        ? trigrams.GetValueOrDefault(trigram)
                        : having.Count(text => text.Contains(trigram, StringComparison.Ordinal))))
                .Select(next => (next.Trigram, next.Reads, Candidates: candidates * (next.Having + 0.3) / (having.Length + 1)))
                .MinBy(next => next.Reads + (next.Candidates * SearchCost.OfCandidate));
            if (best.Reads + (best.Candidates * SearchCost.OfCandidate) >= candidates * SearchCost.OfCandidate)
            {
                break;
            }

            parts.Add(best.Trigram);
            left.Remove(best.Trigram);
            having = [.. having.Where(text => text.Contains(best.Trigram, StringComparison.Ordinal))];
            (candidates, index) = (best.Candidates, index + best.Reads);
        }

        return (parts, candidates, index);
    }

    private static IEnumerable<string> TrigramsOf(string text)
    {
        for (var start = 0; start + 3 <= text.Length; start++)
        {
            if (char.IsLetterOrDigit(text[start]) && char.IsLetterOrDigit(text[start + 1]) && char.IsLetterOrDigit(text[start + 2]))
            {
                yield return text.Substring(start, 3);
            }
        }
    }

    // Of the build that stands now: samples are taken of tables, not of views.
    private static async Task<SearchSample> Take(NpgsqlDataSource database, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var find = new NpgsqlCommand(
            """
            select c.relname::text, greatest(c.reltuples, 0)::float8
            from crm.projections p
            join pg_class c on c.relname = 'lead_search_b' || p.build and c.relnamespace = 'crm_read'::regnamespace
            where p.name = 'lead_board'
            """,
            connection);
        string table;
        double leads;
        await using (var row = await find.ExecuteReaderAsync(ct))
        {
            if (!await row.ReadAsync(ct))
            {
                return new SearchSample([], 0);
            }

            (table, leads) = (row.GetString(0), row.GetDouble(1));
        }

        var percent = leads > Wanted ? 100.0 * Wanted / leads : 100;
        await using var take = new NpgsqlCommand(
            string.Create(
                CultureInfo.InvariantCulture, $"select text, tags from crm_read.{table} tablesample system ($1) limit {2 * Wanted}"),
            connection);
        take.Parameters.Add(new NpgsqlParameter<double> { TypedValue = percent });
        var rows = new List<(string Text, string[] Tags)>(Wanted);
        await using var reader = await take.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            rows.Add((reader.GetString(0), reader.GetFieldValue<string[]>(1)));
        }

        return new SearchSample(rows, leads);
    }
}

/// <summary>How a search goes about it.</summary>
/// <param name="Parts">
/// The parts of the text by which the trigram index is asked first, every row of the answer then being looked at; none for a walk in the
/// list's order that looks at each row until the page is full.
/// </param>
internal sealed record SearchWay(IReadOnlyList<string> Parts)
{
    /// <summary>In the list's order until the page is full.</summary>
    public static SearchWay Walk { get; } = new([]);

    /// <summary>Whether it walks.</summary>
    public bool Walks => Parts is [];
}

/// <summary>What the steps of a search cost, in microseconds as measured at a million leads. Only their proportions matter.</summary>
internal static class SearchCost
{
    /// <summary>A row on the walk in the list's order: the row, its text, the comparison.</summary>
    public const double OfWalkedRow = 3;

    /// <summary>A lead among those that have three letters in a row, in the trigram index.</summary>
    public const double OfIndexEntry = 0.03;

    /// <summary>A row that the index proposes: its text, the comparison.</summary>
    public const double OfCandidate = 1.6;

    /// <summary>A row that is found: its place on the board, the sorting.</summary>
    public const double OfMatch = 4;

    /// <summary>A walk that needs no better way.</summary>
    public const double OfShortWalk = 3_000;
}

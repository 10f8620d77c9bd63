using Crm.Domain;
using Crm.Domain.Leads;
using Npgsql;

namespace Crm.Projections;

/// <summary>One status of the funnel.</summary>
/// <param name="Status">The status.</param>
/// <param name="Entered">How often leads entered it in the period.</param>
/// <param name="Now">How many leads stand in it at the moment; archived ones do not.</param>
/// <param name="ValueNow">Their value, per currency.</param>
/// <param name="ConvertedOnward">
/// Conversions in the period of leads that had stood in it, less those taken back; 0 for converted itself.
/// </param>
/// <param name="MedianSecondsInStatus">
/// The median of how long those that left it in the period had stayed, in seconds; null where none left.
/// </param>
public sealed record FunnelLine(
    LeadStatus Status, long Entered, long Now, IReadOnlyList<Money> ValueNow, long ConvertedOnward, decimal? MedianSecondsInStatus);

public sealed partial class Funnel
{
    private static readonly ReportMemo<IReadOnlyList<FunnelLine>> Memo = new("funnel");

    private static readonly string[] Flows = ["entered", "left", "onward"];
    private static readonly string[] Levels = ["entered", "left", "adjusted"];
    private static readonly string[] Both = ["entered", "left", "onward", "adjusted"];

    private static readonly LeadStatus[] Statuses =
        [LeadStatus.New, LeadStatus.Contacted, LeadStatus.Qualified, LeadStatus.Converted, LeadStatus.Disqualified];

    /// <summary>The funnel, a line per status: what flowed in the period, and what stands at its moment.</summary>
    public static Task<IReadOnlyList<FunnelLine>> Read(NpgsqlDataSource database, Period period, Visibility visible, CancellationToken ct) =>
        Memo.Read(database, period, visible, () => Compute(database, period, visible, ct), ct);

    private static async Task<IReadOnlyList<FunnelLine>> Compute(
        NpgsqlDataSource database, Period period, Visibility visible, CancellationToken ct)
    {
        await using var ledger = await LedgerReader.Open(database, "funnel", visible, ct);
        var whole = period.From is null && period.To is null;
        var flows = await ledger.Read(whole ? Both : Flows, period, ct, byBucket: true);
        var levels = whole ? flows : await ledger.Read(Levels, period.UpToMoment, ct);
        var medians = await ledger.Medians("left", flows, period, ct);
        return
        [
            .. Statuses.Select(status =>
            {
                var word = Words.Of(status);
                var standing = levels.Where(sum => sum.Measure != "onward" && sum.Dim1 == word)
                    .Select(sum => (sum.Currency, Sign: sum.Measure == "left" ? -1 : 1, sum.Count, sum.Amount)).ToList();
                return new FunnelLine(
                    status,
                    Entered: flows.Where(sum => sum.Measure == "entered" && sum.Dim1 == word).Sum(sum => sum.Count),
                    Now: standing.Sum(sum => sum.Sign * sum.Count),
                    ValueNow: LedgerReader.PerCurrency(standing.Select(sum => (sum.Currency, sum.Sign * sum.Amount))),
                    ConvertedOnward: flows.Where(sum => sum.Measure == "onward" && HasPassed(sum.Dim1, word)).Sum(sum => sum.Count),
                    MedianSecondsInStatus: medians.TryGetValue(word, out var median) ? median : null);
            }),
        ];
    }

    private static bool HasPassed(string passed, string status) => passed.Split('+').Contains(status, StringComparer.Ordinal);
}

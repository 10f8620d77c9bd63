using Crm.Domain.Leads;
using Crm.EventStore.Projections;
using Npgsql;

namespace Crm.Projections;

/// <summary>How long leads waited until we first reached out to them.</summary>
/// <param name="Kind">The kind of activity; null for whichever came first.</param>
/// <param name="Responded">Leads that were first reached (by this kind) in the period.</param>
/// <param name="MedianSeconds">The median wait in seconds, exact to the microsecond; null where none was reached.</param>
/// <param name="AverageSeconds">The mean wait in seconds; null where none was reached.</param>
/// <param name="P90Seconds">
/// The wait that nine in ten did not exceed, in seconds, at most 9 % too high (the end of its bucket); null where none was reached.
/// </param>
public sealed record ResponseLine(ActivityKind? Kind, long Responded, decimal? MedianSeconds, decimal? AverageSeconds, decimal? P90Seconds);

/// <summary>The report on response times.</summary>
/// <param name="Waiting">Leads at the moment to whom we have not reached out yet.</param>
/// <param name="Any">To the first outward activity of any kind.</param>
/// <param name="ByKind">To the first outward activity of each kind that occurs.</param>
public sealed record ResponseReport(long Waiting, ResponseLine Any, IReadOnlyList<ResponseLine> ByKind);

public sealed partial class ResponseTimes
{
    private static readonly ReportMemo<ResponseReport> Memo = new("response_times");

    private static readonly string[] Flows = ["first", "first-of-kind"];
    private static readonly string[] Levels = ["captured", "first"];
    private static readonly ActivityKind[] Kinds =
        [ActivityKind.Call, ActivityKind.Email, ActivityKind.Meeting, ActivityKind.Sms, ActivityKind.Visit];

    /// <summary>How long the leads waited that were first reached in the period, and how many wait at its moment.</summary>
    public static Task<ResponseReport> Read(NpgsqlDataSource database, Period period, Visibility visible, CancellationToken ct) =>
        Memo.Read(database, period, visible, () => Compute(database, period, visible, ct), ct);

    private static async Task<ResponseReport> Compute(
        NpgsqlDataSource database, Period period, Visibility visible, CancellationToken ct)
    {
        await using var ledger = await LedgerReader.Open(database, "response_times", visible, ct);
        var flows = await ledger.Read(Flows, period, ct, byBucket: true);
        var levels = await ledger.Read(Levels, period.UpToMoment, ct);
        var any = await ledger.Medians("first", flows, period, ct);
        var ofKind = await ledger.Medians("first-of-kind", flows, period, ct);
        return new ResponseReport(
            levels.Sum(sum => sum.Measure == "captured" ? sum.Count : -sum.Count),
            Line(null, [.. flows.Where(sum => sum.Measure == "first")], any, ""),
            [
                .. Kinds.Select(kind => (Kind: kind, Word: Words.Of(kind)))
                    .Select(kind => Line(
                        kind.Kind, [.. flows.Where(sum => sum.Measure == "first-of-kind" && sum.Dim1 == kind.Word)], ofKind, kind.Word))
                    .Where(line => line.Responded > 0),
            ]);
    }

    private static ResponseLine Line(ActivityKind? kind, IReadOnlyList<Sum> sums, IReadOnlyDictionary<string, decimal> medians, string dim1)
    {
        var responded = sums.Sum(sum => sum.Count);
        return responded == 0
            ? new ResponseLine(kind, 0, null, null, null)
            : new ResponseLine(
                kind,
                responded,
                medians.TryGetValue(dim1, out var median) ? median : null,
                Math.Round(sums.Sum(sum => sum.Amount) / responded, 6),
                P90(sums, responded));
    }

    private static decimal P90(IReadOnlyList<Sum> sums, long responded)
    {
        var needed = ((responded * 9) + 9) / 10;
        var before = 0L;
        foreach (var sum in sums.OrderBy(sum => sum.Bucket))
        {
            before += sum.Count;
            if (before >= needed)
            {
                return (DurationBucket.LeastOf((short)(sum.Bucket + 1)) - 1) / 1_000_000m;
            }
        }

        return 0;
    }
}

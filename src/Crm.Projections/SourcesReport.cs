using Crm.Domain;
using Npgsql;

namespace Crm.Projections;

/// <summary>What became of the leads of one source.</summary>
/// <param name="Source">The source; <see cref="Sources.None"/> where none is known.</param>
/// <param name="Captured">Leads captured.</param>
/// <param name="Contacted">Of them, how many were ever contacted.</param>
/// <param name="Qualified">How many were ever qualified.</param>
/// <param name="Converted">How many are converted.</param>
/// <param name="Disqualified">How many are disqualified.</param>
/// <param name="ValueCaptured">The value of those captured, per currency.</param>
/// <param name="ValueConverted">The value of those converted, per currency.</param>
/// <param name="ConversionRate">Converted for each captured, from 0; null where none was captured in the period.</param>
public sealed record SourceLine(
    string Source,
    long Captured,
    long Contacted,
    long Qualified,
    long Converted,
    long Disqualified,
    IReadOnlyList<Money> ValueCaptured,
    IReadOnlyList<Money> ValueConverted,
    decimal? ConversionRate);

public sealed partial class Sources
{
    private static readonly ReportMemo<IReadOnlyList<SourceLine>> Memo = new("sources");

    private static readonly string[] Measures = ["captured", "contacted", "qualified", "converted", "disqualified"];

    /// <summary>The sources, those with the most leads first; counted is what happened in the period, each step at its own time.</summary>
    public static Task<IReadOnlyList<SourceLine>> Read(NpgsqlDataSource database, Period period, Visibility visible, CancellationToken ct) =>
        Memo.Read(database, period, visible, () => Compute(database, period, visible, ct), ct);

    private static async Task<IReadOnlyList<SourceLine>> Compute(
        NpgsqlDataSource database, Period period, Visibility visible, CancellationToken ct)
    {
        await using var ledger = await LedgerReader.Open(database, "sources", visible, ct);
        var sums = await ledger.Read(Measures, period, ct);
        return
        [
            .. sums.GroupBy(sum => sum.Dim1, StringComparer.Ordinal).Select(Line)
                .OrderByDescending(line => line.Captured).ThenBy(line => line.Source, StringComparer.Ordinal),
        ];
    }

    private static SourceLine Line(IGrouping<string, Sum> source)
    {
        long Count(string measure) => source.Where(sum => sum.Measure == measure).Sum(sum => sum.Count);
        IReadOnlyList<Money> Value(string measure) =>
            LedgerReader.PerCurrency(source.Where(sum => sum.Measure == measure).Select(sum => (sum.Currency, sum.Amount)));
        var captured = Count("captured");
        var converted = Count("converted");
        return new SourceLine(
            source.Key.Length == 0 ? None : source.Key,
            captured,
            Count("contacted"),
            Count("qualified"),
            converted,
            Count("disqualified"),
            Value("captured"),
            Value("converted"),
            captured > 0 ? Math.Round((decimal)converted / captured, 6) : null);
    }
}

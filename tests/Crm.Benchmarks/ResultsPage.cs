using System.Globalization;
using System.Net;
using System.Text;

namespace Crm.Benchmarks;

/// <summary>The page of all results, for people.</summary>
public static class ResultsPage
{
    private const string Introduction =
        """
        # Benchmarks

        Written by `ops/bench`; `ops/bench --only NAME` measures one row anew and leaves the others as they are.

        The speed of a machine drifts, so a throughput is a ratio to **P**: what `pgbench` reaches on the same cluster right before and
        right after (the mean of both) with one prepared INSERT of one row of the size of an event per transaction, at 32 clients. Every
        commit is forced to disk. A throughput is measured several times, and the repetition with the median ratio counts. What is missed
        is said to be missed.

        """;

    /// <summary>Writes the page.</summary>
    public static string Of(IReadOnlyList<BenchmarkResult> results)
    {
        var page = new StringBuilder(Introduction).Append('\n');
        page.Append("| Work | Figure | P | Ratio | p50 | p99 | Promised | |\n|---|---|---|---|---|---|---|---|\n");
        foreach (var figure in results.SelectMany(static result => result.Figures))
        {
            string[] cells =
            [
                Cell(figure.Label), Cell(figure.Value), Cell(figure.Yardstick), Number(figure.Ratio), Time(figure.P50), Time(figure.P99),
                Cell(figure.Bound), Words(figure.Verdict),
            ];
            page.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
        }

        foreach (var result in results)
        {
            Section(page, result);
        }

        return page.ToString();
    }

    /// <summary>A verdict in words.</summary>
    public static string Words(Verdict verdict) => verdict switch
    {
        Verdict.Met => "met",
        Verdict.Missed => "**missed**",
        Verdict.Noted => "",
        Verdict.LeftOut => "left out",
    };

    /// <summary>A ratio with two decimals; empty when there is none.</summary>
    public static string Number(double? value) => value is { } number ? number.ToString("F2", CultureInfo.InvariantCulture) : "";

    /// <summary>A latency in milliseconds; empty when there is none.</summary>
    public static string Time(double? milliseconds) =>
        milliseconds is { } value ? Invariant($"{value:F2} ms") : "";

    private static void Section(StringBuilder page, BenchmarkResult result)
    {
        page.Append(CultureInfo.InvariantCulture, $"\n## {result.Name}: {result.Work}\n\n");
        page.Append(CultureInfo.InvariantCulture, $"{result.At.UtcDateTime:yyyy-MM-dd HH:mm} UTC on {result.Machine}.\n\n");
        foreach (var figure in result.Figures)
        {
            if (figure.Note is not null)
            {
                page.Append(CultureInfo.InvariantCulture, $"- {figure.Label}: {figure.Value}; {figure.Note}.\n");
            }
        }

        foreach (var figure in result.Figures.Where(static figure => figure.Plans.Count > 0))
        {
            page.Append(CultureInfo.InvariantCulture, $"\n<details><summary>Plan of: {WebUtility.HtmlEncode(figure.Label)}</summary>\n\n");
            foreach (var plan in figure.Plans)
            {
                page.Append(CultureInfo.InvariantCulture, $"```\n{plan}\n```\n\n");
            }

            page.Append("</details>\n");
        }
    }

    private static string Cell(string? text) => (text ?? "").Replace("|", "\\|", StringComparison.Ordinal).Replace('\n', ' ');
}

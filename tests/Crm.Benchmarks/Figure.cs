using System.Text.Json.Serialization;

namespace Crm.Benchmarks;

/// <summary>Whether a figure keeps what was promised.</summary>
public enum Verdict
{
    /// <summary>It keeps its bound.</summary>
    Met,

    /// <summary>It does not.</summary>
    Missed,

    /// <summary>There is no bound: it is told beside one that has.</summary>
    Noted,

    /// <summary>It could not be measured; the note says why.</summary>
    LeftOut,
}

/// <summary>One measured figure.</summary>
/// <param name="Label">What was measured.</param>
/// <param name="Value">The figure as it is printed, with its unit.</param>
/// <param name="Bound">What it must keep, in words; null when it is only told.</param>
/// <param name="Verdict">Whether it does.</param>
public sealed record Figure(string Label, string Value, string? Bound, Verdict Verdict)
{
    /// <summary>What pgbench reached back to back, before and after, per second; null where no ratio is asked for.</summary>
    public string? Yardstick { get; init; }

    /// <summary>The figure divided by pgbench's; null where no ratio is asked for.</summary>
    public double? Ratio { get; init; }

    /// <summary>The median latency in milliseconds.</summary>
    public double? P50 { get; init; }

    /// <summary>The 99th percentile of latency in milliseconds.</summary>
    public double? P99 { get; init; }

    /// <summary>What must be known to read it: sizes, repetitions, and what was left behind.</summary>
    public string? Note { get; init; }

    /// <summary>The plans of its queries as PostgreSQL explains them.</summary>
    public IReadOnlyList<string> Plans { get; init; } = [];

    /// <summary>A figure that could not be measured.</summary>
    public static Figure NotMeasured(string label, string why) => new(label, "–", Bound: null, Verdict.LeftOut) { Note = why };

    /// <summary>Met when true.</summary>
    public static Verdict Judge(bool met) => met ? Verdict.Met : Verdict.Missed;
}

/// <summary>One benchmark's figures and when they were taken.</summary>
/// <param name="Name">Its name for <c>--only</c>.</param>
/// <param name="Work">The work, as the table of promises names it.</param>
/// <param name="At">When it was run.</param>
/// <param name="Machine">Where it was run.</param>
/// <param name="Figures">What was measured.</param>
public sealed record BenchmarkResult(string Name, string Work, DateTimeOffset At, MachineFacts Machine, IReadOnlyList<Figure> Figures);

/// <summary>How results are kept beside the page that shows them.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IReadOnlyList<BenchmarkResult>))]
internal sealed partial class ResultsJson : JsonSerializerContext;

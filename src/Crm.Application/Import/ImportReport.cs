using System.Text.Json.Serialization;

namespace Crm.Application.Import;

/// <summary>What became of the rows of a file, counted; adds up over batches and over interrupted runs.</summary>
public sealed class ImportTally
{
    private const int ExamplesKept = 5;

    /// <summary>Rows read.</summary>
    public long Rows { get; set; }

    /// <summary>Rows that say nothing by the map.</summary>
    public long PassedOver { get; set; }

    /// <summary>Rows whose events the log held already.</summary>
    public long AlreadyThere { get; set; }

    /// <summary>Rows that could not be taken.</summary>
    public long Rejected { get; set; }

    /// <summary>Events recorded, by stored name.</summary>
    public SortedDictionary<string, long> Events { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Steps that today's rules would have refused, recorded as they were, by the refusal's code.</summary>
    public SortedDictionary<string, IrregularSteps> Irregular { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Counts an event.</summary>
    public void Recorded(string storedName) => Events[storedName] = Events.GetValueOrDefault(storedName) + 1;

    /// <summary>Counts a step that today's rules would have refused.</summary>
    public void Irregularly(string kind, long line, string lead)
    {
        if (!Irregular.TryGetValue(kind, out var steps))
        {
            Irregular.Add(kind, steps = new IrregularSteps());
        }

        steps.Count++;
        if (steps.Examples.Count < ExamplesKept)
        {
            steps.Examples.Add(new IrregularStep(line, lead));
        }
    }

    /// <summary>Adds another count to this one.</summary>
    public void Add(ImportTally other)
    {
        Rows += other.Rows;
        PassedOver += other.PassedOver;
        AlreadyThere += other.AlreadyThere;
        Rejected += other.Rejected;
        foreach (var (name, count) in other.Events)
        {
            Events[name] = Events.GetValueOrDefault(name) + count;
        }

        foreach (var (kind, steps) in other.Irregular)
        {
            if (!Irregular.TryGetValue(kind, out var mine))
            {
                Irregular.Add(kind, mine = new IrregularSteps());
            }

            mine.Count += steps.Count;
            mine.Examples.AddRange(steps.Examples.Take(ExamplesKept - mine.Examples.Count));
        }
    }
}

/// <summary>Steps of one kind that today's rules would have refused.</summary>
public sealed class IrregularSteps
{
    /// <summary>How many.</summary>
    public long Count { get; set; }

    /// <summary>The first few of them.</summary>
    public List<IrregularStep> Examples { get; init; } = [];
}

/// <summary>Where an irregular step stands.</summary>
/// <param name="Line">The line of the file.</param>
/// <param name="Lead">The lead's external id.</param>
public sealed record IrregularStep(long Line, string Lead);

/// <summary>What an import came to.</summary>
/// <param name="Source">The source's name.</param>
/// <param name="File">The file.</param>
/// <param name="Totals">What became of all rows of the file, over all runs that took part of it.</param>
/// <param name="Added">Events that this run added to the log; 0 when everything was there.</param>
/// <param name="ResumedAfterRow">The row after which this run went on; 0 when it began at the first.</param>
/// <param name="RejectedFile">Where the rejected rows are listed, with lines and reasons; null when none were rejected.</param>
/// <param name="LastPosition">The log's position of the last event added; 0 when none was.</param>
/// <param name="Seconds">How long this run took.</param>
public sealed record ImportReport(
    string Source,
    string File,
    ImportTally Totals,
    long Added,
    long ResumedAfterRow,
    string? RejectedFile,
    long LastPosition,
    double Seconds)
{
    /// <summary>Events that this run added per second.</summary>
    public double EventsPerSecond => Seconds > 0 ? Math.Round(Added / Seconds) : 0;
}

/// <summary>How far an import is.</summary>
/// <param name="Fraction">How much of the file has been taken, 0–1.</param>
/// <param name="Rows">Rows taken.</param>
/// <param name="Events">Events added.</param>
public sealed record ImportProgress(double Fraction, long Rows, long Events);

/// <summary>Where an import stands, written in the transaction of the rows it counts.</summary>
/// <param name="Rows">Rows taken: the next run goes on behind them.</param>
/// <param name="Digest">SHA-256 over those rows, in hexadecimal: by it the next run knows the file again.</param>
/// <param name="RejectedBytes">How long the list of rejected rows was.</param>
/// <param name="Totals">What became of the rows.</param>
public sealed record ImportBookmark(long Rows, string Digest, long RejectedBytes, ImportTally Totals);

/// <summary>The JSON of bookmarks and reports.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ImportBookmark))]
[JsonSerializable(typeof(ImportReport))]
[JsonSerializable(typeof(string))]
public sealed partial class ImportJson : JsonSerializerContext;

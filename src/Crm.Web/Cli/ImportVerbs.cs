using System.CommandLine;
using System.Globalization;
using Crm.Application.Import;

namespace Crm.Web.Cli;

/// <summary><c>crm import history</c> and <c>crm import leads</c>.</summary>
internal static class ImportVerbs
{
    /// <summary>The verb with its two kinds.</summary>
    public static Command Command() => new("import", "Takes leads or their history from files.") { History(), Leads() };

    private static Argument<string> FileArgument() => new("FILE") { Description = "The CSV file (RFC 4180, UTF-8), plain or gzip." };

    private static Option<string?> SourceOption() =>
        new("--source") { Description = "The source's name; a row of a source is taken once. The map's own unless given." };

    private static Option<string?> RejectedOption() =>
        new("--rejected") { Description = "Where rejected rows are listed; FILE.rejected.csv in the current folder unless given." };

    private static Command History()
    {
        var (file, source, rejected, json) = (FileArgument(), SourceOption(), RejectedOption(), Verb.Json());
        var map = new Option<string>("--map") { Description = "The map: what the rows mean (docs/imports).", Required = true };
        var command = new Command(
            "history",
            "Records an activity log as what happened to leads, with its own times. Can be interrupted and repeated: "
            + "each row is taken once.")
        {
            file, map, source, rejected, json,
        };
        command.Runs(async (parsed, ct) =>
        {
            var path = parsed.GetRequiredValue(file);
            var mapped = await ReadMap(parsed.GetRequiredValue(map), ct);
            await using var database = await VerbDatabase.Open(ct);
            var report = await ProgressBar.Show(tell => FileImport.History(
                database.Log, path, mapped, parsed.GetValue(source), RejectedPath(parsed.GetValue(rejected), path), Telling(tell), ct));
            return await Answer(report, parsed.GetValue(json));
        });
        return command;
    }

    private static Command Leads()
    {
        var (file, source, rejected, json) = (FileArgument(), SourceOption(), RejectedOption(), Verb.Json());
        var map = new Option<string?>("--map")
        {
            Description = "The map: which column holds what; guessed from the columns' names unless given.",
        };
        var mode = new Option<LeadsMode>("--mode")
        {
            Description = "create, update or both, by external id.",
            DefaultValueFactory = static _ => LeadsMode.Both,
        };
        var command = new Command("leads", "Captures or changes leads by their external ids. Repeating it changes nothing.")
        {
            file, map, source, mode, rejected, json,
        };
        command.Runs(async (parsed, ct) =>
        {
            var path = parsed.GetRequiredValue(file);
            var mapped = parsed.GetValue(map) is { } given ? await ReadMap(given, ct) : null;
            await using var database = await VerbDatabase.Open(ct);
            var report = await ProgressBar.Show(tell => FileImport.Leads(
                database.Log,
                path,
                mapped,
                parsed.GetValue(source),
                parsed.GetValue(mode),
                RejectedPath(parsed.GetValue(rejected), path),
                TimeProvider.System.GetUtcNow(),
                columns => ShowColumns(columns),
                Telling(tell),
                ct));
            return await Answer(report, parsed.GetValue(json));
        });
        return command;
    }

    private static void ShowColumns(IReadOnlyList<(string Column, string Field)> columns)
    {
        foreach (var (column, field) in columns)
        {
            Console.Error.WriteLine($"{field} <- {column}");
        }
    }

    private static async Task<string> ReadMap(string path, CancellationToken ct)
    {
        try
        {
            return await File.ReadAllTextAsync(path, ct);
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException)
        {
            throw new ImportMapException(path, missing.Message);
        }
    }

    private static string RejectedPath(string? given, string file) => Path.GetFullPath(given ?? $"{Path.GetFileName(file)}.rejected.csv");

    private static Told<ImportProgress> Telling(Action<string, double> tell) => new(progress => tell(
        string.Create(CultureInfo.InvariantCulture, $"import, {progress.Rows:N0} rows, {progress.Events:N0} events"), progress.Fraction));

    private static async Task<int> Answer(ImportReport report, bool json)
    {
        await Verb.Answer(json, report, CliJson.Default.ImportReport, Lines);
        return report.Totals.Rejected > 0 ? ExitCode.RowsRejected : ExitCode.Done;
    }

    private static IEnumerable<string> Lines(ImportReport report)
    {
        string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture).PadLeft(12);
        yield return $"rows         {Number(report.Totals.Rows)}   of {report.File} (source {report.Source})";
        foreach (var (name, count) in report.Totals.Events)
        {
            yield return $"             {Number(count)}   {name}";
        }

        yield return $"passed over  {Number(report.Totals.PassedOver)}";
        yield return $"there before {Number(report.Totals.AlreadyThere)}";
        var irregular = report.Totals.Irregular.Values.Sum(static steps => steps.Count);
        yield return $"irregular    {Number(irregular)}   steps that today's rules would have refused";
        foreach (var (kind, steps) in report.Totals.Irregular)
        {
            var lines = string.Join(", ", steps.Examples.Select(static step => step.Line));
            yield return $"             {Number(steps.Count)}   {kind}, such as line {lines}";
        }

        yield return $"rejected     {Number(report.Totals.Rejected)}   {report.RejectedFile}";
        yield return report.ResumedAfterRow > 0 ? $"went on after row {report.ResumedAfterRow}" : "began at the first row";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"added {report.Added:N0} events in {report.Seconds:F1} s ({report.EventsPerSecond:N0} events/s)");
    }
}

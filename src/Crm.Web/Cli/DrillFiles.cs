using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Crm.Application.Drill;
using Crm.EventStore.Audit;
using Crm.Web.Http;

namespace Crm.Web.Cli;

/// <summary>
/// A drill's report as files: the JSON, a page of the same to read and print, and beside them a signed note over the SHA-256 of both.
/// </summary>
internal static class DrillFiles
{
    /// <summary>The first line of the note.</summary>
    public const string Heading = "crm drill";

    /// <summary>Writes them.</summary>
    /// <param name="folder">The folder; made where it is not there.</param>
    /// <param name="report">The report.</param>
    /// <param name="signer">Who signs; null: nobody does, and there is no note.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The path of the JSON; the others' differ in their ending.</returns>
    public static async Task<string> Write(string folder, DrillReport report, NoteSigner? signer, CancellationToken ct)
    {
        Directory.CreateDirectory(folder);
        var name = string.Create(CultureInfo.InvariantCulture, $"drill_{report.StartedAt.UtcDateTime:yyyyMMdd_HHmmss}");
        var json = JsonSerializer.SerializeToUtf8Bytes(report, CliJson.Default.DrillReport);
        var html = Encoding.UTF8.GetBytes(Page(report, Sha256(json)));
        var path = Path.Combine(Path.GetFullPath(folder), name);
        await Write(path + ".json", json, ct);
        await Write(path + ".html", html, ct);
        if (signer is not null)
        {
            var said = $"{Heading}\n{(report.Passed ? "passed" : "FAILED")}\n{Sha256(json)}  {name}.json\n{Sha256(html)}  {name}.html\n";
            await Write(path + ".note", Encoding.UTF8.GetBytes(SignedNote.Sign(said, signer).ToString()), ct);
        }

        return path + ".json";
    }

    private static async Task Write(string path, byte[] content, CancellationToken ct)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        await using var file = new FileStream(path, options);
        await file.WriteAsync(content, ct);
    }

    /// <summary>A step's outcome in a word.</summary>
    public static string Outcome(DrillStep step) => step.Passed switch
    {
        true => "passed",
        false => "FAILED",
        null => "not there yet",
    };

    private static string Page(DrillReport report, string sha256)
    {
        var page = new HtmlPage("Recovery drill");
        page.Facts(
        [
            ("Outcome", report.Passed ? "passed" : "FAILED"),
            ("Began", WireFormats.Text(report.StartedAt)),
            ("Took", Seconds(report.Seconds)),
            ("Archive", report.Archive),
            ("Archived at", report.ArchivedAt is { } at ? WireFormats.Text(at) : "unknown"),
            ("Position", report.Position.ToString("N0", CultureInfo.InvariantCulture)),
            ("Log", report.Log?.ToString() ?? "unknown"),
            ("Drilled on", report.Place),
            ("Signed by", report.SignedBy ?? $"nobody: {report.Unsigned}"),
            ("SHA-256 of the JSON", sha256),
        ]);
        page.Table(
            "Steps",
            ["Step", "Requirement", "Outcome", "Took, or age", "May take", "What came of it"],
            report.Steps.Select(static IReadOnlyList<string> (step) =>
            [
                step.Name, step.Requirement, Outcome(step), Seconds(step.Seconds),
                step.BoundSeconds is { } bound ? Seconds(bound) : "", step.Says,
            ]));
        page.Text(
            "To be written down by hand (S4-42)",
            "Who took part:\nHow long archive and keys took to fetch:\nWhat did not go as a runbook says:\n"
                + "What is changed in it, by whom, until when:\n");
        return page.ToString();
    }

    private static string Seconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds:N1} s");

    private static string Sha256(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));
}

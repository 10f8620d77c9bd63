using System.CommandLine;
using System.Globalization;
using System.IO.Compression;
using Crm.EventStore.Audit;
using Crm.Web.Audit;

namespace Crm.Web.Cli;

/// <summary>
/// <c>crm verify</c>: recomputes the whole history, from the tables or from an export, and names what is not as it was signed.
/// </summary>
internal static class VerifyVerb
{
    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var offline = new Option<string?>("--offline")
        {
            Description = "An export (crm audit export): verified with nothing but itself and --key; no database, no settings.",
        };
        var key = new Option<string[]>("--key")
        {
            Description = "A public key that heads must be signed by (or a file with one a line); else those that the database names.",
        };
        var heads = new Option<string?>("--heads")
        {
            Description = "A file with heads that were kept elsewhere: the history must begin with each of them.",
        };
        var command = new Command(
            "verify", "Recomputes the history and compares it with what was signed; names what was changed, removed, inserted or moved.")
        {
            offline, key, heads, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(offline) is not null && result.GetValue(key) is not { Length: > 0 })
            {
                result.AddError("--offline needs --key: the export's own keys prove nothing.");
            }
        });
        command.Runs(async (parsed, ct) =>
        {
            IReadOnlyList<NoteKey>? keys;
            IReadOnlyList<string> kept;
            try
            {
                keys = parsed.GetValue(key) is { Length: > 0 } given ? await Keys(given, ct) : null;
                kept = parsed.GetValue(heads) is { } file ? await HeadFile.Read(file, ct) : [];
            }
            catch (FormatException fault)
            {
                await Console.Error.WriteLineAsync(fault.Message);
                return ExitCode.Usage;
            }

            try
            {
                var report = parsed.GetValue(offline) is { } export
                    ? await Offline(export, keys ?? [], kept, ct)
                    : await Online(keys, kept, ct);
                await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.VerificationReport, Lines);
                return report.Sound ? ExitCode.Done : ExitCode.Failed;
            }
            catch (InvalidDataException fault)
            {
                await Console.Error.WriteLineAsync(fault.Message);
                return ExitCode.Failed;
            }
        });
        return command;
    }

    private static async Task<VerificationReport> Online(IReadOnlyList<NoteKey>? keys, IReadOnlyList<string> kept, CancellationToken ct)
    {
        await using var database = await VerbDatabase.Open(ct);
        var verification = new LogVerification(database.Database.App, keys, kept);
        var report = await ProgressBar.Show(tell => verification.Run(new Told<double>(done => tell("verify", done)), ct));
        await StoredVerifications.Keep(database.Database.App, report, DateTimeOffset.UtcNow, ct);
        return report;
    }

    private static async Task<VerificationReport> Offline(
        string file, IReadOnlyList<NoteKey> keys, IReadOnlyList<string> kept, CancellationToken ct)
    {
        await using var export = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1024 * 1024, useAsync: true);
        await using Stream lines =
            file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(export, CompressionMode.Decompress) : export;
        return await ProgressBar.Show(
            tell => new ExportVerification(keys, kept).Run(lines, new Told<double>(done => tell("verify", done)), ct));
    }

    private static async Task<IReadOnlyList<NoteKey>> Keys(string[] given, CancellationToken ct)
    {
        var keys = new List<NoteKey>();
        foreach (var each in given)
        {
            var texts = File.Exists(each) ? await File.ReadAllLinesAsync(each, ct) : [each];
            keys.AddRange(texts.Where(static text => text.Length > 0).Select(NoteKey.Parse));
        }

        return keys;
    }

    /// <summary>A report in lines for people.</summary>
    internal static IEnumerable<string> Lines(VerificationReport report)
    {
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Events:N0} events up to position {report.LastPosition:N0}, {report.Size:N0} in the tree{Behind(report)}; "
            + $"heads: {report.Heads:N0}");
        yield return $"root {report.Root}";
        foreach (var finding in report.Findings)
        {
            yield return $"  {finding.Says}";
        }

        if (report.FindingsInAll > report.Findings.Count)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  … {report.FindingsInAll:N0} findings in all");
        }

        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{Outcome(report)}; signed up to position {report.SignedUpTo:N0}; {report.Seconds:F1} s");
    }

    private static string Outcome(VerificationReport report) => report switch
    {
        { Sound: false } => "NOT AS SIGNED",
        { Heads: 0 } => "nothing contradicts itself, but it is signed by nobody yet",
        _ => "as signed",
    };

    private static string Behind(VerificationReport report) => report.Size < report.LastPosition
        ? string.Create(CultureInfo.InvariantCulture, $" ({report.LastPosition - report.Size:N0} behind the log)")
        : "";
}

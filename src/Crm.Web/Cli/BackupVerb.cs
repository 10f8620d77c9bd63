using System.CommandLine;
using System.Globalization;
using Crm.EventStore.Archives;

namespace Crm.Web.Cli;

/// <summary><c>crm backup</c>: an archive of the log, made while it is written to; each run adds what came since.</summary>
internal static class BackupVerb
{
    /// <summary>Asks for the folder of the rows beside the log.</summary>
    public static Option<string?> KeysFolder(string name) => new(name)
    {
        Description = "The folder of what is kept apart: credentials and the wrapped keys of sealed data (DIR/keys).",
    };

    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var to = new Option<string>("--to") { Description = "The archive's folder; made where it is not there.", Required = true };
        var keysTo = KeysFolder("--keys-to");
        var key = new Option<string?>("--encrypt-key")
        {
            Description = "A file with a key, 32 bytes in base64 (openssl rand -base64 32): the archive is encrypted with it.",
        };
        var configuration = new Option<string[]>("--with-config")
        {
            Description = "A file of configuration that the archive carries along, encrypted; may be given more than once. Never the one "
                + "with the master key: it must not lie with what it opens.",
        };
        var segment = new Option<int>("--segment")
        {
            Description = "Events of one segment at the most: what is lost where one is damaged.",
            DefaultValueFactory = static _ => LogBackup.UsualSegment,
        };
        segment.Validators.Add(result =>
        {
            if (result.GetValue(segment) <= 0)
            {
                result.AddError("--segment takes a number above 0.");
            }
        });
        var command = new Command("backup", "Archives the log up to now, without stopping anything. Can be interrupted and repeated.")
        {
            to, keysTo, key, configuration, segment, json,
        };
        command.Runs(async (parsed, ct) =>
        {
            var folder = ArchiveFolder.At(parsed.GetRequiredValue(to), parsed.GetValue(keysTo));
            var archiveKey = parsed.GetValue(key) is { } file ? ArchiveKey.Read(file) : null;
            await using var database = await VerbDatabase.Open(ct);
            var backup = new LogBackup(database.Database.App, folder, archiveKey, TimeProvider.System)
            {
                SegmentEvents = parsed.GetValue(segment),
                Configuration = parsed.GetValue(configuration) ?? [],
            };
            var report = await ProgressBar.Show(tell => backup.Run(new Told<double>(done => tell("archive", done)), ct));
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.BackupReport, Lines);
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>What an archive holds, for people.</summary>
    public static IEnumerable<string> Counts(ArchiveCounts counts)
    {
        yield return string.Create(CultureInfo.InvariantCulture, $"  {counts.Events:N0} events in {counts.Streams:N0} streams");
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"  {counts.Of("lead-captured"):N0} leads, {counts.Of("user-registered"):N0} users, "
            + $"{counts.Of("lead-activity-logged"):N0} activities, {counts.Of("lead-note-added"):N0} notes");
    }

    private static IEnumerable<string> Lines(BackupReport report)
    {
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"archived up to position {report.Position:N0}: {report.AddedEvents:N0} events in {report.AddedSegments} segments, "
            + $"{report.AddedBytes / 1e6:N1} MB, {report.Seconds:F1} s ({report.EventsPerSecond:N0} events/s)");
        if (report.TakenOver > 0)
        {
            yield return $"  {report.TakenOver} of the segments were there from a run that was interrupted";
        }

        foreach (var line in Counts(report.Counts))
        {
            yield return line;
        }

        yield return report.TreeHead is { } head ? $"  audit tree {head.Root}" : "  WARNING: no root of the audit tree: see crm verify";
        yield return $"  in {report.Folder}";
    }
}

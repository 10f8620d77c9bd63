using System.CommandLine;
using System.Globalization;
using Crm.EventStore.Archives;

namespace Crm.Web.Cli;

/// <summary><c>crm archive check</c>, <c>prune</c> and <c>config</c>: looks after archives, without a database.</summary>
internal static class ArchiveVerbs
{
    /// <summary>What was taken out of an archive.</summary>
    /// <param name="Files">The files.</param>
    internal sealed record TakenOut(IReadOnlyList<string> Files);

    /// <summary>The verb with what can be done.</summary>
    public static Command Command() => new("archive", "Looks after archives, without a database.") { Check(), Prune(), Configuration() };

    private static Command Check()
    {
        var json = Verb.Json();
        var folder = new Argument<string>("folder") { Description = "The archive's folder." };
        var keysFrom = BackupVerb.KeysFolder("--keys-from");
        var key = new Option<string?>("--key") { Description = "The file with the key of an encrypted archive." };
        var command = new Command("check", "Reads a whole archive and says what of it is damaged, by file and position.")
        {
            folder, keysFrom, key, json,
        };
        command.Runs(async (parsed, ct) =>
        {
            var archive = ArchiveFolder.At(parsed.GetRequiredValue(folder), parsed.GetValue(keysFrom));
            var archiveKey = parsed.GetValue(key) is { } file ? ArchiveKey.Read(file) : null;
            var report = await ProgressBar.Show(
                tell => ArchiveCheck.Run(archive, archiveKey, new Told<double>(done => tell("check", done)), ct));
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.ArchiveCheckReport, Lines);
            return report.IsWhole && report.Orphans.Count == 0 ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    private static Command Configuration()
    {
        var json = Verb.Json();
        var folder = new Argument<string>("folder") { Description = "The archive's folder." };
        var to = new Option<string>("--to") { Description = "The folder that the files are written to.", Required = true };
        var key = new Option<string?>("--key") { Description = "The file with the archive's key." };
        var command = new Command("config", "Takes out the files of configuration that crm backup --with-config put into an archive.")
        {
            folder, to, key, json,
        };
        command.Runs(async (parsed, ct) =>
        {
            var archive = ArchiveFolder.At(parsed.GetRequiredValue(folder), keys: null);
            var archiveKey = parsed.GetValue(key) is { } file ? ArchiveKey.Read(file) : null;
            var files = await ArchivedConfiguration.Restore(archive, archiveKey, parsed.GetRequiredValue(to), ct);
            await Verb.Answer(parsed.GetValue(json), new TakenOut(files), CliJson.Default.TakenOut, static done => done.Files);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Prune()
    {
        var json = Verb.Json();
        var folder = new Argument<string>("folder") { Description = "The folder that the dated folders of ops/backup are in." };
        var days = Days("--keep-days", "Days that daily archives are kept.", ArchiveRetention.Asked.Days);
        var weeks = Days("--keep-weeks", "Weeks that weekly archives are kept.", ArchiveRetention.Asked.Weeks);
        var exports = Days("--keep-exports", "Weeks that exports of leads are kept.", ArchiveRetention.Asked.ExportWeeks);
        var apply = new Option<bool>("--apply") { Description = "Removes what is due. Without it nothing is removed, only told." };
        var command = new Command("prune", "Removes archives that are due: says what it would do first, and does it with --apply.")
        {
            folder, days, weeks, exports, apply, json,
        };
        command.Runs(async (parsed, ct) =>
        {
            var retention = new ArchiveRetention(parsed.GetValue(days), parsed.GetValue(weeks), parsed.GetValue(exports));
            var report = await retention.Prune(
                parsed.GetRequiredValue(folder), TimeProvider.System.GetUtcNow(), parsed.GetValue(apply), ct);
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.PruneReport, Lines);
            return ExitCode.Done;
        });
        return command;
    }

    private static Option<int> Days(string name, string description, int otherwise)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => otherwise };
        option.Validators.Add(result =>
        {
            if (result.GetValue(option) <= 0)
            {
                result.AddError($"{name} takes a number above 0.");
            }
        });
        return option;
    }

    private static IEnumerable<string> Lines(ArchiveCheckReport report)
    {
        foreach (var line in BackupVerb.Counts(report.Counts))
        {
            yield return line;
        }

        foreach (var damage in report.Damages)
        {
            yield return $"DAMAGED: {damage}";
        }

        foreach (var orphan in report.Orphans)
        {
            yield return $"LEFT BEHIND: {orphan} belongs to no manifest, and may hold keys of persons who have been erased since: remove it";
        }

        yield return report.IsWhole
            ? string.Create(CultureInfo.InvariantCulture, $"whole, up to position {report.LastPosition:N0}")
            : Restorable(report);
    }

    private static string Restorable(ArchiveCheckReport report) => report.GoodUpTo switch
    {
        0 => "damaged: no part of it can be restored",
        var all when all == report.LastPosition => "damaged, though not the log: it can be restored",
        var part => string.Create(
            CultureInfo.InvariantCulture,
            $"damaged: good up to position {part:N0} of {report.LastPosition:N0} (crm restore --good-part)"),
    };

    private static IEnumerable<string> Lines(PruneReport report)
    {
        foreach (var folder in report.Folders)
        {
            yield return $"{(folder.Due ? report.Applied ? "removed" : "due    " : "kept   ")}  {folder.Name}  {folder.Why}";
        }

        if (!report.Applied && report.Folders.Any(static folder => folder.Due))
        {
            yield return "Nothing was removed: --apply does it.";
        }
    }
}

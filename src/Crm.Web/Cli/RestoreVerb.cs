using System.CommandLine;
using System.Globalization;
using Crm.Application.Recovery;
using Crm.EventStore.Archives;
using Crm.EventStore.LocalPostgres;
using Crm.Projections;

namespace Crm.Web.Cli;

/// <summary><c>crm restore</c>: a new database from an archive alone, with everything that follows from the log.</summary>
internal static class RestoreVerb
{
    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var from = new Option<string>("--from") { Description = "The archive's folder.", Required = true };
        var keysFrom = BackupVerb.KeysFolder("--keys-from");
        var key = new Option<string?>("--key") { Description = "The file with the key of an encrypted archive." };
        var into = new Option<string>("--into")
        {
            Description = "The new database: its name on the server of the settings, made where it is not there, or a connection string. "
                + "Refused where it is not empty.",
            Required = true,
        };
        var to = new Option<long?>("--to") { Description = "The last position that is restored; all of them when it is left out." };
        var goodPart = new Option<bool>("--good-part")
        {
            Description = "Restores a damaged archive up to the last position before the damage.",
        };
        var erasedFrom = new Option<string?>("--erased-from")
        {
            Description = "Who has been erased since: a later archive's folder, or a file with one lead's id on each line. "
                + "The database of the settings is asked by itself where it holds the same log.",
        };
        var revive = new Option<bool>("--revive-api-keys")
        {
            Description = "API keys go on working. Without it all of them come back revoked: some may have been revoked since.",
        };
        var command = new Command(
            "restore", "Restores an archive into a new database, and verifies it against the archive. Can be interrupted and repeated.")
        {
            from, keysFrom, key, into, to, goodPart, erasedFrom, revive, json,
        };
        command.NeedsDatabaseName(result => result.GetValue(into) is { } name && !IsLogin(name) ? name : null);
        command.Runs(async (parsed, ct) =>
        {
            var folder = ArchiveFolder.At(parsed.GetRequiredValue(from), parsed.GetValue(keysFrom));
            var archiveKey = parsed.GetValue(key) is { } file ? ArchiveKey.Read(file) : null;
            var erased = parsed.GetValue(erasedFrom) is { } since ? await ErasedSince.Read(since, archiveKey, ct) : KnownErasures.NotAsked;

            // Not migrated: on a machine that has lost everything, the database of the settings is the one to be filled.
            await using var database = await VerbDatabase.Open(ct, migrate: false);
            erased = erased.And(await Serving(database, await folder.Read(archiveKey, ct), ct));
            var request = new RestoreRequest(parsed.GetValue(to), parsed.GetValue(goodPart), parsed.GetValue(revive), erased);
            await using var target = await Target(database, parsed.GetRequiredValue(into), ct);
            using var loggers = VerbLogging.Create();
            var recovery = new ArchiveRecovery(
                folder, archiveKey, target.Owner ?? target.App, target.App, database.Masters, ProjectionList.All, TimeProvider.System, loggers);
            var report = await Run(recovery, request, parsed.GetRequiredValue(into), ct);
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.RestoreReport, Lines);
            return report.Verified ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    private static async Task<RestoreReport> Run(ArchiveRecovery recovery, RestoreRequest request, string into, CancellationToken ct)
    {
        try
        {
            return await ProgressBar.Show(
                tell => recovery.Run(request, new Told<RecoveryProgress>(each => tell(each.Step, each.Fraction)), ct));
        }
        catch (Exception fault) when (recovery.HasBegun && fault is not OperationCanceledException)
        {
            // A connection string may hold a password.
            var name = into.Contains('=', StringComparison.Ordinal) ? "The new database" : into;
            await Console.Error.WriteLineAsync(
                $"{name} is half filled and of no use as it is: the same command goes on where it stopped, or drop that database.");
            throw;
        }
    }

    private static Task<KnownErasures> Serving(VerbDatabase database, ArchiveManifest manifest, CancellationToken ct) => ServingErasures.Ask(
        database.Database.Owner ?? database.Database.App, database.Database.Description, manifest.Log, manifest.LastPosition, ct);

    private static Task<CrmDatabase> Target(VerbDatabase database, string into, CancellationToken ct) =>
        IsLogin(into)
            ? CrmDatabase.External(into, owner: null, VerbDatabase.Pool, ct)
            : database.Beside(into, ct);

    private static bool IsLogin(string into) => into.Contains('=', StringComparison.Ordinal);

    private static IEnumerable<string> Lines(RestoreReport report)
    {
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"restored {report.Restored.Counts.Events:N0} events up to position {report.Position:N0} ({report.EventsPerSecond:N0} events/s)");
        foreach (var line in BackupVerb.Counts(report.Restored.Counts))
        {
            yield return line;
        }

        yield return $"sha-256 archive  {report.Archive.Sha256}";
        yield return $"sha-256 restored {report.Restored.Sha256}";
        yield return report.TreeEqual switch
        {
            true => "the audit tree has the archive's root",
            false => "the audit tree has ANOTHER root than the archive's",
            null => "the archive knows no root of the audit tree at this position",
        };
        foreach (var table in report.Tables)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  {table.Table}: {table.Rows:N0} rows");
        }

        foreach (var step in report.Steps)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  {step.Seconds,8:F2} s  {step.Step}");
        }

        foreach (var source in report.ErasuresFrom)
        {
            yield return $"asked who has been erased since: {source}";
        }

        foreach (var warning in report.Warnings)
        {
            yield return $"WARNING: {warning}";
        }

        if (report.RevokedApiKeys + report.ErasedAgain > 0)
        {
            yield return $"{report.RevokedApiKeys} API keys revoked, {report.ErasedAgain} subjects erased again";
        }

        yield return string.Create(
            CultureInfo.InvariantCulture, $"{(report.Verified ? "verified" : "NOT VERIFIED")} in {report.Seconds:F1} s");
    }
}

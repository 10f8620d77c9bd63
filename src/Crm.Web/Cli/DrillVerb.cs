using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using Crm.Application.Drill;
using Crm.Application.Recovery;
using Crm.EventStore.Archives;
using Crm.EventStore.Audit;
using Crm.EventStore.Sealing;
using Crm.Projections;
using Crm.Web.Audit;
using Crm.Web.Hosting;
using Npgsql;

namespace Crm.Web.Cli;

/// <summary><c>crm drill</c>: tries out every loss in a throwaway database, recovers by the archive, and reports, signed.</summary>
internal static class DrillVerb
{
    private const string SignerName = "crm-drill";

    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var from = new Option<string>("--from") { Description = "The archive's folder.", Required = true };
        var keysFrom = BackupVerb.KeysFolder("--keys-from");
        var key = new Option<string?>("--key") { Description = "The file with the key of an encrypted archive." };
        var report = new Option<string>("--report")
        {
            Description = "The folder that the report is written to: JSON, HTML and a signed note.",
            DefaultValueFactory = static _ => ".",
        };
        var signKey = new Option<string?>("--sign-key")
        {
            Description = "A PEM file with a P-256 key that signs where the audit tree's key cannot be had. Without either nobody signs.",
        };
        var ownServer = new Option<bool>("--own-server")
        {
            Description = "Drills on a server of its own in a temporary folder, also where that of the settings can be reached.",
        };
        var command = new Command(
            "drill", "Restores an archive into a throwaway database, tries out every loss there, recovers, and reports. Leaves nothing.")
        {
            from, keysFrom, key, report, signKey, ownServer, json,
        };
        command.Runs(async (parsed, ct) =>
        {
            var folder = ArchiveFolder.At(parsed.GetRequiredValue(from), parsed.GetValue(keysFrom));
            var archiveKey = parsed.GetValue(key) is { } file ? ArchiveKey.Read(file) : null;
            await using var place = await DrillPlace.Find(parsed.GetValue(ownServer), ct);
            var (signer, unsigned) = await Signer(place, parsed.GetValue(signKey), ct);
            using var signing = signer;
            var drilled = await Drill(place, folder, archiveKey, ct) with { SignedBy = signer?.PublicKey.ToString(), Unsigned = unsigned };
            var written = await DrillFiles.Write(parsed.GetRequiredValue(report), drilled, signer, ct);
            await Verb.Answer(parsed.GetValue(json), drilled, CliJson.Default.DrillReport, all => Lines(all, written));
            return drilled.Passed ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    private static async Task<DrillReport> Drill(DrillPlace place, ArchiveFolder folder, ArchiveKey? key, CancellationToken ct)
    {
        using var loggers = VerbLogging.Create();
        await using var ground = new DrillGround(place.Make, place.Remove);
        var drill = new RecoveryDrill(folder, key, place.Masters, ProjectionList.All, ground, TimeProvider.System, loggers);
        return await ProgressBar.Show(
            tell => drill.Run(place.Description, new Told<RecoveryProgress>(each => tell(each.Step, each.Fraction)), ct));
    }

    /// <summary>The key that signs the audit tree's heads where it can be had, else that of a file, else none and why.</summary>
    private static async Task<(NoteSigner? Signer, string? Unsigned)> Signer(DrillPlace place, string? file, CancellationToken ct)
    {
        var why = place.Unreachable;
        if (place.Settings is { } there)
        {
            try
            {
                var options = there.Settings.Read<AuditOptions>(AuditOptions.Section);
                return (await new AuditSigning(there.Database.App, there.Masters, options, TimeProvider.System).Current(ct), null);
            }
            catch (Exception fault) when (
                fault is NpgsqlException or SealBrokenException or SettingMissingException or IOException or ArgumentException
                    or FormatException or CryptographicException)
            {
                why = $"the audit tree's key cannot be had ({fault.Message})";
            }
        }

        return file is null ? (null, why) : (NoteSigner.FromPem(SignerName, await File.ReadAllTextAsync(file, ct)), null);
    }

    private static IEnumerable<string> Lines(DrillReport report, string written)
    {
        foreach (var step in report.Steps)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture, $"  {DrillFiles.Outcome(step),-13} {step.Seconds,10:F2} s  {step.Name}: {step.Says}");
        }

        yield return report.SignedBy is { } signer ? $"signed by {signer}" : $"NOT SIGNED: {report.Unsigned}";
        yield return written;
        yield return string.Create(
            CultureInfo.InvariantCulture, $"{(report.Passed ? "passed" : "FAILED")} in {report.Seconds:F1} s, on {report.Place}");
    }
}

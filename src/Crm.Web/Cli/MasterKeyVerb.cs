using System.Globalization;
using Crm.EventStore.Sealing;
using Crm.Web.Hosting;
using Crm.Web.Security;

namespace Crm.Web.Cli;

/// <summary>
/// <c>crm keys rotate --to FILE|new</c>: puts a key in front of those of the file that the hosts read, and seals everything anew with it.
/// The hosts read that file anew by themselves and work on.
/// </summary>
internal static class MasterKeyVerb
{
    /// <summary>Replaces the master key, or goes on where that was interrupted.</summary>
    public static async Task<int> Rotate(string to, bool json, CancellationToken ct)
    {
        await using var database = await VerbDatabase.Open(ct);
        var rotation = new MasterKeyRotation(database.Database.App, database.Log, database.Masters, TimeProvider.System);

        // What was begun is finished first: a second new key on top of it would make three.
        if (to is "new" && await rotation.IsUnfinished(ct))
        {
            await Console.Error.WriteLineAsync("A rotation was interrupted: it goes on.");
        }
        else
        {
            PutInFront(database, to);
        }

        try
        {
            var report = await ProgressBar.Show(
                tell => rotation.Run(new Told<double>(fraction => tell("seal anew", fraction)), ct));
            await Verb.Answer(json, report, CliJson.Default.MasterKeyRotationReport, Lines);
            return ExitCode.Done;
        }
        catch (Exception refused) when (refused is SealBrokenException or MasterKeyUnknownException or InvalidOperationException)
        {
            await Console.Error.WriteLineAsync(refused.Message);
            return ExitCode.Failed;
        }
    }

    private static void PutInFront(VerbDatabase database, string to)
    {
        var next = to is "new" ? MasterKeySettings.NewText() : FirstOf(to, database.IsProduction);
        var id = MasterKey.Of(Convert.FromBase64String(next)).Id;
        if (database.Masters.Current.Id == id)
        {
            return;
        }

        var file = MasterKeySettings.FileOf(database.Settings) ?? throw new SettingMissingException(
            $"The master key stands in {MasterKeySettings.Setting}. Put it into a file that {MasterKeySettings.FileSetting} names: "
            + "hosts read a file anew, and a variable never.");
        MasterKeySettings.PutInFront(file, next);
        if (database.Masters.Named(id) is null || database.Masters.Current.Id != id)
        {
            throw new SettingMissingException($"{file} does not hold the new master key first.");
        }
    }

    private static string FirstOf(string file, bool isProduction)
    {
        // Read as a host would, so that what no host takes is refused before it stands in front.
        MasterKeySettings.ReadFile(file, isProduction);
        return MasterKeySettings.FirstKey(File.ReadAllText(file)) ?? throw new SettingMissingException($"{file} holds no master key.");
    }

    private static IEnumerable<string> Lines(MasterKeyRotationReport report)
    {
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{report.SubjectKeys:N0} keys of streams, {report.SigningKeys} signing keys, {report.SecondFactors} second factors "
            + $"and {report.AuditKeys} keys of the audit tree are sealed with {report.MasterKey}");
        foreach (var id in report.Retired)
        {
            yield return $"{id} seals nothing in this database any more: keep it for as long as archives that it sealed are kept";
        }
    }
}

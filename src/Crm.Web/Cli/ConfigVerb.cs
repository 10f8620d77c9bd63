using System.CommandLine;
using Crm.Web.Hosting;

namespace Crm.Web.Cli;

/// <summary><c>crm config check</c>: what is missing or weak in the settings, before Production refuses them.</summary>
internal static class ConfigVerb
{
    /// <summary>The verb with what can be done.</summary>
    public static Command Command() => new("config", "Looks at the settings.") { Check() };

    private static Command Check()
    {
        var json = Verb.Json();
        var command = new Command("check", "Names each setting that security depends on, and whether Production would take it; never a value.") { json };
        command.Runs(async (parsed, _) =>
        {
            IReadOnlyList<SettingFinding> findings;
            try
            {
                findings = SettingsCheck.Look(SecretFiles.ForVerbs());
            }
            catch (SettingMissingException unreadable)
            {
                await Console.Error.WriteLineAsync(unreadable.Message);
                return ExitCode.Refused;
            }

            await Verb.Answer(parsed.GetValue(json), findings, CliJson.Default.IReadOnlyListSettingFinding, static all => all.Select(Line));
            return findings.Any(static finding => finding.Refused) ? ExitCode.Refused : ExitCode.Done;
        });
        return command;
    }

    private static string Line(SettingFinding finding) =>
        $"{(finding.Refused ? "refused" : "       ")}  {finding.Setting,-26} {finding.State,-12} {finding.Because}";
}

using System.CommandLine;
using Crm.EventStore.Audit;
using Crm.Web.Audit;

namespace Crm.Web.Cli;

/// <summary>
/// <c>crm audit regrow</c>: makes a lost or damaged audit tree anew where the log is still what was signed and verified, and takes note of
/// the heads that are left, so that hosts sign again.
/// </summary>
internal static class RegrowVerb
{
    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var heads = new Option<string?>("--heads")
        {
            Description = "A file with heads that were kept elsewhere: the log must begin with each of them.",
        };
        var command = new Command(
            "regrow",
            "Makes the audit tree anew from the events, if they fit every head and every verification; otherwise touches nothing.")
        {
            heads, json,
        };
        command.Runs(async (parsed, ct) =>
        {
            IReadOnlyList<string> kept;
            try
            {
                kept = parsed.GetValue(heads) is { } file ? await HeadFile.Read(file, ct) : [];
            }
            catch (FormatException fault)
            {
                await Console.Error.WriteLineAsync(fault.Message);
                return ExitCode.Usage;
            }

            await using var database = await VerbDatabase.Open(ct);
            if (database.Database.Owner is not { } owner)
            {
                await Console.Error.WriteLineAsync(
                    "The login of this host may not take the old tree away: set ConnectionStrings__CrmOwner.");
                return ExitCode.Refused;
            }

            var app = database.Database.App;
            var report = await ProgressBar.Show(async tell =>
            {
                await new TreeRegrowth(owner, kept).Run(new Told<double>(done => tell("regrow", done)), ct);
                return await new LogVerification(app, mayHaveLostHeads: true).Run(new Told<double>(done => tell("verify", done)), ct);
            });
            await StoredVerifications.Keep(app, report, DateTimeOffset.UtcNow, ct);
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.VerificationReport, VerifyVerb.Lines);
            return report.Sound ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }
}

using System.CommandLine;
using System.Globalization;
using Crm.Application;
using Crm.Application.Retention;
using Crm.Web.Hosting;

namespace Crm.Web.Cli;

/// <summary><c>crm retention run</c>: puts leads away, and erases persons, that nothing has been done with for as long as the settings say.</summary>
internal static class RetentionVerb
{
    /// <summary>The verb with what can be done.</summary>
    public static Command Command() => new("retention", "Keeps leads for as long as the rules say, and no longer.") { Run() };

    private static Command Run()
    {
        var json = Verb.Json();
        var dryRun = new Option<bool>("--dry-run") { Description = "Only says what would be done. A run asks for one of the last 7 days." };
        var without = new Option<bool>("--without-dry-run") { Description = "Runs although the same rules were not tried out before." };
        var command = new Command(
            "run",
            $"Carries out {RetentionOptions.Section}:ArchiveAfterMonths and {RetentionOptions.Section}:EraseAfterMonths, both off unless set. "
            + "Can be interrupted and repeated.")
        {
            dryRun, without, json,
        };
        command.Runs(async (parsed, ct) =>
        {
            await using var database = await VerbDatabase.Open(ct);
            var rules = (database.Settings.GetSection(RetentionOptions.Section).Get<RetentionOptions>() ?? new RetentionOptions()).Rules;
            if (rules.Fault is { } fault)
            {
                await Console.Error.WriteLineAsync(fault);
                return ExitCode.Usage;
            }

            using var commands = new CommandRunner(database.Log);
            var run = new RetentionRun(database.Log, commands);
            var now = TimeProvider.System.GetUtcNow();
            now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMillisecond));
            var isDry = parsed.GetValue(dryRun);
            if (rules.IsOn && !isDry && !parsed.GetValue(without) && !await run.WasTriedOut(rules, now, ct))
            {
                await Console.Error.WriteLineAsync(
                    $"These rules ({rules.Key}) were not tried out in the last {RetentionRun.DryRunHolds.TotalDays:F0} days: "
                    + "look at --dry-run first, or say --without-dry-run.");
                return ExitCode.Refused;
            }

            var all = (double)Math.Max(1, await database.Log.CountStreams(ct));
            var report = rules.IsOn
                ? await ProgressBar.Show(tell => run.Run(rules, isDry, now, new Told<long>(done => tell("retention", done / all)), ct))
                : new RetentionReport(rules, isDry, 0, 0, 0, 0, 0);
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.RetentionReport, Lines);
            return ExitCode.Done;
        });
        return command;
    }

    private static IEnumerable<string> Lines(RetentionReport report)
    {
        if (!report.Rules.IsOn)
        {
            yield return "No rule is set: every lead is kept.";
            yield break;
        }

        var would = report.DryRun ? "would be " : "";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Rules.Key}: of {report.Leads:N0} leads {report.Archived:N0} {would}put away, {report.Erased:N0} persons {would}erased");
        if (report.MovedOn + report.Unreadable > 0)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"  left alone: {report.MovedOn:N0} that somebody worked on meanwhile, {report.Unreadable:N0} that cannot be read");
        }
    }
}

using System.CommandLine;
using System.Globalization;
using Crm.Application;
using Crm.Application.Retention;
using Crm.Web.Hosting;

namespace Crm.Web.Cli;

/// <summary><c>crm retention run</c>: puts leads away, and erases persons, that nothing has been done with for as long as the settings say.</summary>
internal static class RetentionVerb
{
    private const int MostLines = 10;

    /// <summary>The verb with what can be done.</summary>
    public static Command Command() => new("retention", "Keeps leads for as long as the rules say, and no longer.") { Run() };

    private static Command Run()
    {
        var json = Verb.Json();
        var dryRun = new Option<bool>("--dry-run") { Description = "Says which leads are due, and why; a run then does that and nothing else." };
        var position = new Option<long?>("--position")
        {
            Description = "Only carries out the dry run that said it was at this position; refused where another came after it.",
        };
        var command = new Command(
            "run",
            $"Carries out what the last dry run said, which is at most {RetentionPlan.Holds.TotalDays:F0} days old, by "
            + $"{RetentionOptions.Section}:ArchiveAfterMonths and {RetentionOptions.Section}:EraseAfterMonths, both off unless set. "
            + "Can be interrupted and repeated.")
        {
            dryRun, position, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(dryRun) && result.GetValue(position) is not null)
            {
                result.AddError("--position names the dry run to carry out: leave one of the two out.");
            }
        });
        command.Runs(async (parsed, ct) =>
        {
            await using var database = await VerbDatabase.Open(ct);
            var rules = RetentionOptions.Of(database.Settings).Rules;
            if (rules.Fault is { } fault)
            {
                await Console.Error.WriteLineAsync(fault);
                return ExitCode.Usage;
            }

            using var commands = new CommandRunner(database.Log);
            var run = new RetentionRun(database.Log, commands);
            var now = TimeProvider.System.GetUtcNow();
            now = now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMillisecond));
            if (!rules.IsOn)
            {
                var nothing = RetentionReport.Begin(rules, parsed.GetValue(dryRun), now, await database.Log.LastPosition(ct));
                await Verb.Answer(parsed.GetValue(json), nothing, CliJson.Default.RetentionReport, Lines);
                return ExitCode.Done;
            }

            var plan = parsed.GetValue(dryRun) ? null : await run.Plan(ct);
            if (!parsed.GetValue(dryRun) && await WhyNot(plan, rules, now, parsed.GetValue(position), database, ct) is { } why)
            {
                await Console.Error.WriteLineAsync($"Refused: {why} Look at crm retention run --dry-run first.");
                return ExitCode.Refused;
            }

            var all = (double)Math.Max(1, await database.Log.CountStreams(ct));
            var report = await ProgressBar.Show(tell =>
            {
                var told = new Told<long>(done => tell("retention", done / all));
                return plan is null ? run.TryOut(rules, now, told, ct) : run.CarryOut(plan, now, told, ct);
            });
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.RetentionReport, Lines);
            return ExitCode.Done;
        });
        return command;
    }

    private static async Task<string?> WhyNot(
        RetentionPlan? plan, RetentionRules rules, DateTimeOffset now, long? position, VerbDatabase database, CancellationToken ct) =>
        plan is null ? "These rules were never tried out."
        : position is { } asked && asked != plan.Position ? string.Create(
            CultureInfo.InvariantCulture, $"The last dry run is of {plan.At.UtcDateTime:u}, at position {plan.Position}, not {asked}.")
        : plan.Fault(rules, now, await database.Log.LastPosition(ct));

    private static IEnumerable<string> Lines(RetentionReport report)
    {
        if (!report.Rules.IsOn)
        {
            yield return $"No rule is set: every lead is kept. Rules are set by {RetentionOptions.Section}:ArchiveAfterMonths and :EraseAfterMonths.";
            yield break;
        }

        var would = report.DryRun ? "would be " : "";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Rules.Key}: of {report.Leads:N0} leads {report.Archived:N0} {would}put away, {report.Erased:N0} persons {would}erased");
        if (report.Before > 0)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  {report.Before:N0} of them by an earlier run of the same dry run");
        }

        if (report.MovedOn + report.Unreadable > 0)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"  left alone: {report.MovedOn:N0} that something has happened to since, {report.Unreadable:N0} that cannot be read");
        }

        foreach (var lead in report.Due.Take(MostLines))
        {
            yield return $"  {lead.Id} {Word(lead.What)}: {lead.Why} The last was {lead.Since.UtcDateTime:yyyy-MM-dd}."
                + (lead.PutAwayAt is { } away ? $" Put away {away.UtcDateTime:yyyy-MM-dd}." : "");
        }

        if (report.Due.Count > MostLines)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  … and {report.Due.Count - MostLines:N0} more: --json names them all");
        }

        yield return report.DryRun
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"Nothing was done. Within {RetentionPlan.Holds.TotalDays:F0} days this does it: crm retention run --position {report.Position}")
            : string.Create(CultureInfo.InvariantCulture, $"as the dry run of {report.TriedOutAt.UtcDateTime:u} said, at position {report.Position}");
    }

    private static string Word(RetentionStep step) => step switch
    {
        RetentionStep.Archive => "put away",
        RetentionStep.Erase => "erase",
    };
}

using System.CommandLine;
using System.Globalization;
using Crm.Application;
using Crm.Application.Integrity;
using Crm.EventStore.Projections;
using Crm.Projections;

namespace Crm.Web.Cli;

/// <summary><c>crm integrity</c> and <c>crm integrity repair</c>.</summary>
internal static class IntegrityVerbs
{
    /// <summary>The verb with what can be done.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var sample = new Option<int>("--sample")
        {
            Description = "About how many streams' read models are compared with the log; 100000 take minutes.",
            DefaultValueFactory = static _ => IntegrityRun.SampleSize,
        };
        var seed = new Option<int>("--seed")
        {
            Description = "Which streams: the same seed, the same ones. Another each day unless told.",
            DefaultValueFactory = static _ => (int)(TimeProvider.System.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalDays,
        };
        var command = new Command(
            "integrity", "Checks the data of leads, the log's own consistency, and the read models against the log. Only reads.")
        {
            sample, seed, json, Repair(),
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(sample) is < 0 or > 100_000)
            {
                result.AddError("--sample takes a number from 0 to 100000.");
            }
        });
        command.Runs(async (parsed, ct) =>
        {
            await using var database = await VerbDatabase.Open(ct);
            var run = new IntegrityRun(database.Database.App, database.Log, ProjectionList.All);
            var report = await ProgressBar.Show(tell => run.Run(
                TimeProvider.System.GetUtcNow(),
                parsed.GetValue(seed),
                new Told<IntegrityProgress>(each => tell(each.Step, each.Fraction)),
                ct,
                parsed.GetValue(sample)));
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.IntegrityReport, Lines);
            return report.IsSound ? ExitCode.Done : ExitCode.RowsRejected;
        });
        return command;
    }

    private static Command Repair()
    {
        var json = Verb.Json();
        var check = new Argument<string>("CHECK") { Description = "The check whose offenders are repaired." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only says what would be repaired." };
        var command = new Command("repair", "Repairs what a check found, leads by events. Can be repeated.") { check, dryRun, json };
        command.Validators.Add(result =>
        {
            var named = result.GetValue(check);
            if (named is not null && IntegrityCheck.All.All(each => each.Id != named))
            {
                var all = string.Join(", ", IntegrityCheck.All.Select(static each => each.Id));
                result.AddError($"There is no check {named}; there are {all}.");
            }
        });
        command.Runs(async (parsed, ct) =>
        {
            await using var database = await VerbDatabase.Open(ct);
            using var commands = new CommandRunner(database.Log);
            using var loggers = VerbLogging.Create();
            using var rebuilder = new Rebuilder(database.Database.App, database.Log, loggers.CreateLogger<Rebuilder>());
            var repair = new IntegrityRepair(database.Database.App, database.Log, commands, ProjectionList.All, rebuilder);
            try
            {
                var report = await repair.Run(
                    IntegrityCheck.All.First(each => each.Id == parsed.GetRequiredValue(check)),
                    TimeProvider.System.GetUtcNow(),
                    parsed.GetValue(dryRun),
                    ct);
                await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.RepairReport, Lines);
                return report.Repaired == report.Found ? ExitCode.Done : ExitCode.RowsRejected;
            }
            catch (NotRepairableException not)
            {
                await Console.Error.WriteLineAsync(not.Message);
                return ExitCode.Refused;
            }
        });
        return command;
    }

    private static IEnumerable<string> Lines(IntegrityReport report)
    {
        foreach (var item in report.Items)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{(item.Passed ? "ok    " : "FAILED")}  {item.Id,-20} {item.Requirement}  "
                + $"{item.Offenders:N0} of {item.Checked:N0}  {item.Name}");
            if (!item.Passed)
            {
                foreach (var first in item.First)
                {
                    yield return $"          {first}";
                }

                yield return $"          {item.Repair}";
            }
        }

        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Passed} of {report.Checks} checks passed ({report.PassRate:F1} %) at position {report.Position:N0} "
            + $"in {report.Seconds:F1} s");
    }

    private static IEnumerable<string> Lines(RepairReport report)
    {
        foreach (var item in report.Items)
        {
            var became = !item.Repaired ? "NOT repaired" : report.DryRun ? "would be repaired" : "repaired";
            yield return $"{became}  {item.What}{(item.Why is null ? "" : $": {item.Why}")}";
        }

        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Check}: {report.Found:N0} found, {report.Repaired:N0} "
            + $"{(report.DryRun ? "would be repaired; nothing was written" : "repaired")}");
    }
}

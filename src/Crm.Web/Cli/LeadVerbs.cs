using System.CommandLine;
using System.Globalization;
using Crm.Application.Rescoring;
using Crm.Application.Seeding;
using Crm.Domain.Leads;

namespace Crm.Web.Cli;

/// <summary><c>crm seed</c> and <c>crm rescore</c>: work over many leads.</summary>
internal static class LeadVerbs
{
    /// <summary>Fills the database with invented leads.</summary>
    public static Command Seed()
    {
        var json = Verb.Json();
        var leads = new Option<int>("--leads") { Description = "How many leads there shall be under the seed.", Required = true };
        var seed = new Option<int>("--seed")
        {
            Description = "The seed: the same one gives the same leads.",
            DefaultValueFactory = static _ => 1,
        };
        var command = new Command(
            "seed", "Invents leads and their lives, for demonstrations and measurements. Can be interrupted and repeated.")
        {
            leads, seed, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(leads) <= 0)
            {
                result.AddError("--leads takes a number above 0.");
            }
        });
        command.Runs(async (parsed, ct) =>
        {
            var count = parsed.GetRequiredValue(leads);
            await using var database = await VerbDatabase.Open(ct);
            var now = WholeSecond(TimeProvider.System.GetUtcNow());
            var report = await ProgressBar.Show(tell => LeadSeed.To(
                database.Log, count, parsed.GetValue(seed), now, new Told<long>(done => tell("seed", (double)done / count)), ct));
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.SeedReport, static done =>
            [
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{done.Leads:N0} leads; added {done.AddedLeads:N0} with {done.AddedEvents:N0} events in {done.Seconds:F1} s "
                    + $"({done.EventsPerSecond:N0} events/s)"),
            ]);
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Scores all leads anew.</summary>
    public static Command Rescore()
    {
        var json = Verb.Json();
        var command = new Command(
            "rescore", $"Scores all leads anew by the rules in force (version {LeadScore.CurrentRules}). Repeating it changes nothing.")
        {
            json,
        };
        command.Runs(async (parsed, ct) =>
        {
            await using var database = await VerbDatabase.Open(ct);
            var now = WholeSecond(TimeProvider.System.GetUtcNow());
            var report = await ProgressBar.Show(tell => LeadRescoring.All(
                database.Log,
                Guid.CreateVersion7(now),
                now,
                new Told<long>(done => tell(string.Create(CultureInfo.InvariantCulture, $"rescore, {done:N0} leads"), 0)),
                ct));
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.RescoringReport, static done =>
            [
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{done.Leads:N0} leads: {done.Changed:N0} scores changed, {done.Archived:N0} archived leads left alone"),
            ]);
            return ExitCode.Done;
        });
        return command;
    }

    private static DateTimeOffset WholeSecond(DateTimeOffset time) => time.AddTicks(-(time.Ticks % TimeSpan.TicksPerSecond));
}

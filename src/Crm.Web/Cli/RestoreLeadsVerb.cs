using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Crm.Application;
using Crm.Application.Undo;
using Crm.EventStore.Log;

namespace Crm.Web.Cli;

/// <summary><c>crm leads restore</c>: puts a few leads back to how they stood at a moment.</summary>
internal static class RestoreLeadsVerb
{
    /// <summary>The verb with what can be done.</summary>
    public static Command Command() => new("leads", "Looks after single leads.") { Restore() };

    private static Command Restore()
    {
        var json = Verb.Json();
        var ids = new Argument<Guid[]>("IDS")
        {
            Description = "The leads.",
            Arity = ArgumentArity.OneOrMore,
            CustomParser = static parsed => [.. parsed.Tokens.Select(token => Id(parsed, token.Value))],
        };
        var asOf = Moment.Option("--as-of", "The moment (RFC 3339): what had happened by then stands again.", required: true);
        var reason = Verb.Reason();
        var dryRun = new Option<bool>("--dry-run") { Description = "Only says what would happen." };
        var command = new Command(
            "restore", "Puts leads back to how they stood at a moment, by one event each; what happened since stays in their history.")
        {
            ids, asOf, reason, dryRun, json,
        };
        command.NeedsReason(reason, dryRun);
        command.Runs(async (parsed, ct) =>
        {
            await using var database = await VerbDatabase.Open(ct);
            using var commands = new CommandRunner(database.Log);
            var report = await new LeadRestoration(database.Log, commands).Run(
                parsed.GetRequiredValue(ids),
                parsed.GetValue(asOf) ?? throw new InvalidOperationException("The option is required."),
                Envelope.System with { Reason = parsed.GetValue(reason) },
                TimeProvider.System.GetUtcNow(),
                parsed.GetValue(dryRun),
                ct);
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.RestorationReport, Lines);
            return report.Items.All(static item => item.Restored) ? ExitCode.Done : ExitCode.RowsRejected;
        });
        return command;
    }

    // The parser of its own takes whatever it cannot read in a list for the nil id.
    private static Guid Id(ArgumentResult parsed, string text)
    {
        if (!Guid.TryParse(text, out var id))
        {
            parsed.AddError($"{text} is no id of a lead.");
        }

        return id;
    }

    private static IEnumerable<string> Lines(RestorationReport report)
    {
        foreach (var item in report.Items)
        {
            yield return item.Restored
                ? string.Create(
                    CultureInfo.InvariantCulture, $"{item.LeadId} {(report.DryRun ? "would go" : "went")} back to version {item.ToVersion}")
                : $"{item.LeadId} NOT restored: {item.Why}";
        }

        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Restored:N0} of {report.Items.Count:N0} leads{(report.DryRun ? "; nothing was written" : "")}");
    }
}

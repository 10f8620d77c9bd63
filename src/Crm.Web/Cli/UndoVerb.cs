using System.CommandLine;
using System.Globalization;
using Crm.Application;
using Crm.Application.Undo;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Projections;
using Crm.Web.Operations;

namespace Crm.Web.Cli;

/// <summary><c>crm undo</c>: takes back what somebody did to leads in a window of time, and keeps what others have changed since.</summary>
internal static class UndoVerb
{
    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var actor = new Option<string?>("--actor") { Description = "What this actor did: a user's id, system, or source:id." };
        var apiKey = new Option<string?>("--api-key") { Description = "What was done by this API key." };
        var correlation = new Option<string?>("--correlation") { Description = "What belongs to this request or workflow." };
        var operation = new Option<string?>("--operation") { Description = "What was part of this operation, such as an import." };
        var from = Moment.Option("--from", "Only what the log took at this time (RFC 3339) or later.");
        var to = Moment.Option("--to", "Only what the log took at this time or before.");
        var reason = Verb.Reason();
        var dryRun = new Option<bool>("--dry-run") { Description = "Only says what would happen." };
        var command = new Command(
            "undo",
            "Takes back what an actor, an API key, a request or an operation did to leads, by new events. What others changed since is "
            + "kept. Can be interrupted and repeated.")
        {
            actor, apiKey, correlation, operation, from, to, reason, dryRun, json,
        };
        command.Validators.Add(result =>
        {
            if (new[] { actor, apiKey, correlation, operation }.Count(each => result.GetValue(each) is not null) != 1)
            {
                result.AddError("Say whose, by exactly one of --actor, --api-key, --correlation and --operation.");
            }

            if (Moment.Of(result, from) > Moment.Of(result, to))
            {
                result.AddError("--to lies before --from.");
            }
        });
        command.NeedsReason(reason, dryRun);
        command.Runs(async (parsed, ct) =>
        {
            var selection = new AuditSelection
            {
                Actor = parsed.GetValue(actor),
                ApiKeyId = parsed.GetValue(apiKey),
                CorrelationId = parsed.GetValue(correlation),
                OperationId = parsed.GetValue(operation),
            };
            var window = new UndoWindow(selection, parsed.GetValue(from), parsed.GetValue(to));
            await using var database = await VerbDatabase.Open(ct);
            using var commands = new CommandRunner(database.Log);
            var plan = await UndoPlans.Make(
                database.Database.App,
                database.Log,
                window,
                Envelope.System with { Reason = parsed.GetValue(reason) },
                TimeProvider.System.GetUtcNow(),
                parsed.GetValue(dryRun),
                ct);
            var report = await ProgressBar.Show(tell => new LeadUndo(database.Log, commands).Run(
                plan, new Told<long>(done => tell("undo", (double)done / plan.Unwanted.Count)), ct));
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.UndoReport, Lines);
            return report.IsComplete ? ExitCode.Done : ExitCode.RowsRejected;
        });
        return command;
    }

    private static IEnumerable<string> Lines(UndoReport report)
    {
        var would = report.DryRun ? "would be " : "";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{report.Events:N0} events in {report.Leads:N0} leads up to position {report.UpTo:N0}: "
            + $"{report.Reversed:N0} leads {would}reversed, {report.Unchanged:N0} unchanged, {report.Failed:N0} failed");
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"fields: {report.FieldsReversed:N0} {would}reversed, {report.FieldsKept:N0} kept, {report.FieldsFailed:N0} failed");
        foreach (var (kind, count) in report.OtherStreams)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{count:N0} events of kind {kind} are not of leads and stay");
        }

        foreach (var lead in report.Items)
        {
            yield return $"  {lead.LeadId} {Word(lead.Outcome)}{(lead.Why is null ? "" : $": {lead.Why}")}";
            foreach (var field in lead.Fields)
            {
                yield return $"    {Word(field.Outcome)} {field.Field}{(field.Why is null ? "" : $": {field.Why}")}";
            }
        }

        if (report.Leads > report.Items.Count)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  … and {report.Leads - report.Items.Count:N0} leads more");
        }

        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"operation {report.OperationId}, {report.Seconds:F1} s{(report.DryRun ? "; nothing was written" : "")}");
    }

    private static string Word(UndoneLeadOutcome outcome) => outcome switch
    {
        UndoneLeadOutcome.Reversed => "reversed",
        UndoneLeadOutcome.Unchanged => "unchanged",
        UndoneLeadOutcome.Failed => "FAILED",
    };

    private static string Word(FieldOutcome outcome) => outcome switch
    {
        FieldOutcome.Reversed => "reversed",
        FieldOutcome.Kept => "kept",
        FieldOutcome.Failed => "FAILED",
    };
}

using System.CommandLine;
using System.Globalization;
using Crm.Projections;
using Crm.Web.Audit;
using Crm.Web.Operations;

namespace Crm.Web.Cli;

/// <summary><c>crm diff</c>: what changed between two moments, by whom, what and when: to find where damage began.</summary>
internal static class DiffVerb
{
    private const int MostLines = 25;

    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var from = Moment.Option("--from", "The first moment (RFC 3339), by the log's clock.", required: true);
        var to = Moment.Option("--to", "The second moment; now unless told.");
        var actor = new Option<string?>("--actor") { Description = "Only what this actor did." };
        var type = new Option<string?>("--type") { Description = "Only events of this stored name, such as lead-archived." };
        var lead = new Option<Guid?>("--lead") { Description = "Also field by field what changed of this lead." };
        var command = new Command("diff", "Says what changed between two moments, by actor, by kind and by hour.")
        {
            from, to, actor, type, lead, json,
        };
        command.Validators.Add(result =>
        {
            if (Moment.Of(result, from) > (Moment.Of(result, to) ?? TimeProvider.System.GetUtcNow()))
            {
                result.AddError("--to, which is now unless told, lies before --from.");
            }
        });
        command.Runs(async (parsed, ct) =>
        {
            await using var database = await VerbDatabase.Open(ct);
            var (begin, end) = (parsed.GetValue(from) ?? default, parsed.GetValue(to) ?? TimeProvider.System.GetUtcNow());
            var last = await database.Log.LastPosition(ct);
            var (after, upTo) = await UndoPlans.Positions(database.Log, begin, end, last, ct);
            var told = await AuditTrail.Told(database.Database.App, ct);
            if (told < upTo)
            {
                await Console.Error.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture,
                    $"The audit trail has come to position {told:N0} of {upTo:N0}, "
                    + $"what is behind is not counted: {upTo - told:N0} events. A running host catches up."));
            }

            var diff = await AuditTrail.Diff(database.Database.App, after, upTo, parsed.GetValue(actor), parsed.GetValue(type), ct);
            var changed = parsed.GetValue(lead) is { } id ? await AuditDiffEndpoint.Changed(database.Log, id, after, upTo, ct) : null;
            await Verb.Answer(parsed.GetValue(json), new AuditDiffBody(begin, end, diff, changed), CliJson.Default.AuditDiffBody, Lines);
            return ExitCode.Done;
        });
        return command;
    }

    private static IEnumerable<string> Lines(AuditDiffBody body)
    {
        var diff = body.Diff;
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{diff.Events:N0} events in {diff.Streams:N0} streams, positions {diff.After + 1:N0} to {diff.UpTo:N0}");
        foreach (var (title, lines) in new[]
            { ("by actor", diff.ByActor), ("by kind", diff.ByType), ("by actor and kind", diff.ByActorAndType), ("by hour", diff.ByHour) })
        {
            yield return title;
            foreach (var line in lines.Take(title == "by hour" ? lines.Count : MostLines))
            {
                yield return string.Create(
                    CultureInfo.InvariantCulture,
                    $"  {line.Events,9:N0} events {line.Streams,8:N0} streams  "
                    + $"first {line.FirstAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} at {line.FirstPosition}  {Name(line)}");
            }
        }

        foreach (var change in body.Lead ?? [])
        {
            yield return $"  {change.Field}: {change.From ?? "nothing"} → {change.To ?? "nothing"}";
        }
    }

    private static string Name(AuditDiffLine line) => line.Hour is { } hour
        ? string.Create(CultureInfo.InvariantCulture, $"{hour.UtcDateTime:yyyy-MM-dd HH}:00")
        : line.Type is null ? line.Actor ?? "nobody" : line.Actor is null ? line.Type : $"{line.Actor} {line.Type}";
}

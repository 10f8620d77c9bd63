using System.CommandLine;
using System.Globalization;
using Crm.Application.Recovery;
using Crm.Projections;

namespace Crm.Web.Cli;

/// <summary><c>crm recover</c>: a new database that holds the log up to a moment, and everything that follows from it.</summary>
internal static class RecoverVerb
{
    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var to = new Option<string>("--to")
        {
            Description = "A position, or a time (RFC 3339) at which the log held what it held.",
            Required = true,
        };
        var into = new Option<string>("--into")
        {
            Description = "The new database's name on the same server; made where it is not there, refused where it is not empty.",
            Required = true,
        };
        var revive = new Option<bool>("--revive-api-keys")
        {
            Description = "API keys go on working. Otherwise all of them come back revoked: some may have been revoked since.",
        };
        var command = new Command(
            "recover", "Recovers by replay into a new database, and verifies it against the log. Can be interrupted and repeated.")
        {
            to, into, revive, json,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(to) is { } moment && PositionOf(moment) is null && TimeOf(moment) is null)
            {
                result.AddError($"--to {moment} is neither a position nor a time such as 2026-11-20T20:00:00Z.");
            }
        });
        command.NeedsDatabaseName(result => result.GetValue(into));
        command.Runs(async (parsed, ct) =>
        {
            var moment = parsed.GetRequiredValue(to);
            if (PositionOf(moment) is null && TimeOf(moment) > TimeProvider.System.GetUtcNow())
            {
                await Console.Error.WriteLineAsync($"Refused: --to {moment} lies in the future, of which the log holds nothing yet.");
                return ExitCode.Refused;
            }

            await using var database = await VerbDatabase.Open(ct);
            var position = PositionOf(moment)
                ?? await database.Log.PositionAt(TimeOf(moment) ?? throw new InvalidOperationException("The time was checked before."), ct);
            await using var target = await database.Beside(parsed.GetRequiredValue(into), ct);
            using var loggers = VerbLogging.Create();
            var recovery = new LogRecovery(
                database.Database, target.Owner ?? target.App, target.App, database.Masters, ProjectionList.All, TimeProvider.System,
                loggers);
            var report = await ProgressBar.Show(
                tell => recovery.To(
                position, parsed.GetValue(revive), new Told<RecoveryProgress>(each => tell(each.Step, each.Fraction)), ct));
            await Verb.Answer(parsed.GetValue(json), report, CliJson.Default.RecoveryReport, Lines);
            return report.Verified ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    private static long? PositionOf(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var position) ? position : null;

    private static DateTimeOffset? TimeOf(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    private static IEnumerable<string> Lines(RecoveryReport report)
    {
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"recovered {report.Recovered.Events:N0} events up to position {report.Recovered.LastPosition:N0}");
        yield return $"sha-256 source    {report.Source.Sha256}";
        yield return $"sha-256 recovered {report.Recovered.Sha256}";
        foreach (var table in report.Tables)
        {
            var compared = table.EqualsSource switch
            {
                true => "equal to the source's",
                false => "NOT equal to the source's",
                null => "the source's is elsewhere",
            };
            yield return string.Create(CultureInfo.InvariantCulture, $"  {table.Table}: {table.Rows:N0} rows, {compared}");
        }

        foreach (var step in report.Steps)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"  {step.Seconds,8:F2} s  {step.Step}");
        }

        foreach (var warning in report.Warnings)
        {
            yield return $"WARNING: {warning}";
        }

        if (report.RevokedApiKeys > 0)
        {
            yield return $"{report.RevokedApiKeys} API keys revoked (--revive-api-keys leaves them working)";
        }

        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{(report.Verified ? "verified" : "NOT VERIFIED")} in {report.Seconds:F1} s ({report.EventsPerSecond:N0} events/s)");
    }
}

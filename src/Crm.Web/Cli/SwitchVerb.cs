using System.CommandLine;
using System.Globalization;
using Crm.Application;
using Crm.Application.Integrity;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.Projections;
using Npgsql;

namespace Crm.Web.Cli;

/// <summary><c>crm switch</c>: puts a recovered or restored database in the place of the one that serves.</summary>
internal static class SwitchVerb
{
    /// <summary>What a switch came to.</summary>
    /// <param name="Serving">The name under which hosts find their database.</param>
    /// <param name="Database">The database that serves under it now.</param>
    /// <param name="KeptAs">The name of the one that served before.</param>
    /// <param name="Position">The last position of the log that serves now.</param>
    /// <param name="LeftBehind">Events of the one before that are not in it.</param>
    /// <param name="DryRun">Whether nothing was changed.</param>
    internal sealed record Switched(string Serving, string Database, string KeptAs, long Position, long LeftBehind, bool DryRun);

    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var next = new Argument<string>("DATABASE") { Description = "The database that is to serve, on the same server." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only checks it." };
        var command = new Command(
            "switch",
            "Puts a recovered or restored database in the place of the one that serves, which is kept under another name. Checks it first. "
            + "Every host must be stopped; none needs another setting.")
        {
            next, dryRun, json,
        };
        command.NeedsDatabaseName(result => result.GetValue(next));
        command.Runs(async (parsed, ct) =>
        {
            await using var database = await VerbDatabase.Open(ct, migrate: false);
            var (name, serving) = (parsed.GetRequiredValue(next), NameOf(database.Database.App));
            if (name == serving || !await database.Exists(name, ct))
            {
                await Console.Error.WriteLineAsync(
                    $"Refused: {(name == serving ? $"{name} serves already" : $"there is no database {name}")}.");
                return ExitCode.Refused;
            }

            var last = await database.Log.LastPosition(ct);
            var (position, why) = await Look(database, name, ct);
            if (why is not null)
            {
                await Console.Error.WriteLineAsync($"Refused: {name} is not fit to serve: {why}");
                return ExitCode.Refused;
            }

            var aside = $"{serving}_before_{TimeProvider.System.GetUtcNow().ToString("yyyyMMdd_HHmmss", CultureInfo.InvariantCulture)}";
            if (!parsed.GetValue(dryRun))
            {
                await database.LetGo();
                await using var admin = database.Administration();
                try
                {
                    await DatabaseSwitch.Run(admin, serving, name, aside, ct);
                }
                catch (LocalPostgresException busy)
                {
                    await Console.Error.WriteLineAsync($"Refused: {busy.Message}");
                    return ExitCode.Refused;
                }
            }

            await Verb.Answer(
                parsed.GetValue(json),
                new Switched(serving, name, aside, position, Math.Max(0, last - position), parsed.GetValue(dryRun)),
                CliJson.Default.Switched,
                static done =>
                [
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{done.Database} {(done.DryRun ? "would serve" : "serves")} as {done.Serving}, at position {done.Position:N0}; "
                        + $"{done.LeftBehind:N0} later events stay in {done.KeptAs}"),
                ]);
            return ExitCode.Done;
        });
        return command;
    }

    private static string NameOf(NpgsqlDataSource pool) => new NpgsqlConnectionStringBuilder(pool.ConnectionString).Database
        ?? throw new InvalidOperationException("The connection string names no database.");

    /// <summary>Whether a database can serve: a finished recovery, and a log that agrees with itself and can be read.</summary>
    private static async Task<(long Position, string? Why)> Look(VerbDatabase database, string name, CancellationToken ct)
    {
        await using var target = await database.Beside(name, ct);
        await using (var look = target.App.CreateCommand("select to_regclass('crm.mt_events') is not null"))
        {
            if (await look.ExecuteScalarAsync(ct) is not true)
            {
                return (0, "it holds no log.");
            }
        }

        if (target.Owner is { } owner && await IsUnfinished(owner, ct))
        {
            return (0, "its recovery has not been finished.");
        }

        await using var log = new EventLog(target.App, EventJson.Catalog, database.Masters, new LogPosition());
        var run = new IntegrityRun(target.App, log, ProjectionList.All);
        var report = await ProgressBar.Show(tell => run.Run(
            TimeProvider.System.GetUtcNow(), seed: 1, new Told<IntegrityProgress>(each => tell(each.Step, each.Fraction)), ct));
        var broken = report.Items.Where(static item => !item.Passed && item.Severity == Severity.Critical).ToList();
        return (report.Position, broken is [var first, ..] ? $"{first.Id}: {string.Join(", ", first.First)}" : null);
    }

    private static async Task<bool> IsUnfinished(NpgsqlDataSource owner, CancellationToken ct)
    {
        await using var connection = await owner.OpenConnectionAsync(ct);
        await using var there = new NpgsqlCommand("select to_regclass('crm_recovery.marker') is not null", connection);
        if (await there.ExecuteScalarAsync(ct) is not true)
        {
            return false;
        }

        await using var unfinished = new NpgsqlCommand(
            "select not exists (select from crm_recovery.marker where finished_at is not null)", connection);
        return await unfinished.ExecuteScalarAsync(ct) is true;
    }
}

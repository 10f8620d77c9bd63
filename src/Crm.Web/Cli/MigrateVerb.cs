using System.CommandLine;
using Crm.EventStore.Schema;

namespace Crm.Web.Cli;

/// <summary><c>crm migrate</c>: brings the database's schema up to date.</summary>
internal static class MigrateVerb
{
    /// <summary>What was done.</summary>
    /// <param name="Scripts">The scripts that were applied now; none when the schema was up to date.</param>
    internal sealed record Applied(IReadOnlyList<string> Scripts);

    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var command = new Command("migrate", "Brings the database's schema up to date. The host does so itself at its start.") { json };
        command.Runs(async (parsed, ct) =>
        {
            await using var database = await VerbDatabase.Open(ct, migrate: false);
            if (database.Database.Owner is not { } owner)
            {
                await Console.Error.WriteLineAsync("The login of this host may not migrate: set ConnectionStrings__CrmOwner.");
                return ExitCode.Failed;
            }

            var applied = new Applied(await Migrations.Apply(owner, ct));
            await Verb.Answer(
                parsed.GetValue(json),
                applied,
                CliJson.Default.Applied,
                static done => done.Scripts is [] ? ["The schema is up to date."] : done.Scripts);
            return ExitCode.Done;
        });
        return command;
    }
}

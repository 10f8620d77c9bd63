using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Crm.Application.Import;
using Crm.Application.Recovery;
using Crm.EventStore.Archives;
using Crm.EventStore.Audit;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.Web.Hosting;
using Npgsql;

namespace Crm.Web.Cli;

/// <summary>How verbs run: what each kind of failure becomes, and how an answer is given to people or to programs.</summary>
internal static class Verb
{
    /// <summary>Asks for the answer as JSON.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Answers in JSON on the standard output." };

    /// <summary>Says why something is written.</summary>
    public static Option<string?> Reason() => new("--reason") { Description = "Why; stands in the events that are appended. Only a dry run goes without." };

    /// <summary>Refuses to write without a reason.</summary>
    public static void NeedsReason(this Command command, Option<string?> reason, Option<bool> dryRun) => command.Validators.Add(result =>
    {
        if (!result.GetValue(dryRun) && string.IsNullOrWhiteSpace(result.GetValue(reason)))
        {
            result.AddError("--reason is missing: it stands in the events that are appended.");
        }
    });

    /// <summary>Refuses a name that no database can have.</summary>
    public static void NeedsDatabaseName(this Command command, Func<CommandResult, string?> name) => command.Validators.Add(result =>
    {
        if (name(result) is { } given && !DatabaseAdmin.IsName(given))
        {
            result.AddError($"'{given}' is no name for a database: lower-case letters, digits and underscores, at most 63.");
        }
    });

    /// <summary>Runs a verb and turns its outcome into an exit code; what people should know goes to the error stream.</summary>
    /// <param name="command">The command that is made to run it.</param>
    /// <param name="work">The verb's work.</param>
    public static void Runs(this Command command, Func<ParseResult, CancellationToken, Task<int>> work) =>
        command.SetAction((parsed, ct) => Guarded(() => work(parsed, ct), ct));

    /// <summary>Gives an answer: as JSON, or in lines for people.</summary>
    public static async Task Answer<T>(bool asJson, T answer, JsonTypeInfo<T> json, Func<T, IEnumerable<string>> lines)
    {
        if (asJson)
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(answer, json));
            return;
        }

        foreach (var line in lines(answer))
        {
            await Console.Out.WriteLineAsync(line);
        }
    }

    private static async Task<int> Guarded(Func<Task<int>> work, CancellationToken ct)
    {
        try
        {
            return await work();
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return await Said(ExitCode.Interrupted, "Interrupted. Nothing is half done: the same command goes on where it stopped.");
        }
        catch (ImportMapException wrong)
        {
            return await Said(ExitCode.Usage, $"The map cannot be used. {wrong.Message}");
        }
        catch (SettingMissingException missing)
        {
            return await Said(ExitCode.Refused, missing.Message);
        }
        catch (Exception refused) when (refused is ImportRefusedException or RecoveryRefusedException or ArchiveRefusedException)
        {
            return await Said(ExitCode.Refused, $"Refused: {refused.Message}");
        }
        catch (Exception expected) when (
            expected is UnreadableFileException or LocalPostgresException or LogCorruptException or AuditTreeBrokenException
                or ArchiveDamagedException)
        {
            return await Said(ExitCode.Failed, expected.Message);
        }
        catch (Exception lost) when (lost is LogUnavailableException or NpgsqlException or SocketException)
        {
            return await Said(
                ExitCode.Failed, $"The database failed: {lost.Message} What was done stays; the same command goes on from there.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return await Said(ExitCode.Failed, fault.Message);
        }
        catch (Exception bug)
        {
            // Caught so that what the verb holds, such as its database server, is let go before the process ends.
            return await Said(ExitCode.Failed, $"This should not have happened: {bug}");
        }
    }

    private static async Task<int> Said(int code, string message)
    {
        await Console.Error.WriteLineAsync(message);
        return code;
    }
}

using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Crm.Application;
using Crm.Application.Erasure;
using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Domain.Access;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Projections;
using Crm.Web.Leads;
using Crm.Web.Security;

namespace Crm.Web.Cli;

/// <summary><c>crm person export</c>, <c>crm person erase</c> and <c>crm person certificate</c>: what the law gives a person, for operators.</summary>
internal static class PersonVerbs
{
    private const UnixFileMode OursAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The verb with what can be done.</summary>
    public static Command Command() => new("person", "Tells a person what is held on them, erases them, and certifies it.")
    {
        Export(), Erase(), PersonCertificate.Command(),
    };

    private static Option<Guid> Lead() => new("--lead") { Description = "The lead whose person it is.", Required = true };

    private static Command Export()
    {
        var (json, lead) = (Verb.Json(), Lead());
        var folder = new Option<string>("--out") { Description = "The folder for person.json and person.html; made where it is not there.", Required = true };
        var command = new Command("export", "Writes everything that is held on a person, as JSON and as a page to read. The look is recorded.")
        {
            lead, folder, json,
        };
        command.Runs(async (parsed, ct) =>
        {
            var id = parsed.GetRequiredValue(lead);
            await using var database = await VerbDatabase.Open(ct);
            var files = new PersonalDataFile(database.Database.App, database.Log);
            if (!await files.Exists(id, ct))
            {
                await Console.Error.WriteLineAsync("There is no such lead.");
                return ExitCode.Refused;
            }

            var look = new SensitiveRead(SensitiveSubject.PersonalData, id, Query: null);
            await new AccessFacts(database.Log, TimeProvider.System).Record(look, Envelope.System, ct);
            var file = await files.Of(id, TimeProvider.System.GetUtcNow(), ct);
            var to = Directory.CreateDirectory(parsed.GetRequiredValue(folder)).FullName;
            await Write(Path.Combine(to, "person.json"), JsonSerializer.Serialize(file, LeadsJson.Wire.PersonalDataBody), ct);
            await Write(Path.Combine(to, "person.html"), file.ToHtml(), ct);
            await Verb.Answer(parsed.GetValue(json), new Told(id, file.Events.Count, to), CliJson.Default.Told, static done =>
            [
                string.Create(CultureInfo.InvariantCulture, $"{done.Events:N0} events of lead {done.Lead} in {done.Folder}"),
            ]);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Erase()
    {
        var (json, lead) = (Verb.Json(), Lead());
        var reason = new Option<string>("--reason") { Description = "Why; kept, so it must not name the person.", Required = true };
        var requestedBy = new Option<string>("--requested-by") { Description = "On whose demand; kept, so it must not name the person.", Required = true };
        var dryRun = new Option<bool>("--dry-run") { Description = "Only says what would be erased." };
        var command = new Command("erase", "Erases the person behind a lead, for good.") { lead, reason, requestedBy, dryRun, json };
        command.Runs(async (parsed, ct) =>
        {
            var id = parsed.GetRequiredValue(lead);
            await using var database = await VerbDatabase.Open(ct);
            EraseLead Command(IEnumerable<object> history, bool isKeyLost) => new(
                parsed.GetRequiredValue(reason), parsed.GetRequiredValue(requestedBy), PersonTraces.Of(history.OfType<LeadEvent>()))
            {
                KeyWasLost = isKeyLost,
            };
            if (parsed.GetValue(dryRun))
            {
                return await TryOut(database, id, Command, parsed.GetValue(json), ct);
            }

            using var commands = new CommandRunner(database.Log);
            var context = new CommandContext(Envelope.System, TimeProvider.System.GetUtcNow(), Scope.System) { GoesWithoutKey = true };
            var result = await commands.Run(
                LeadStream.Kind, id, history => Command(history.Select(static recorded => recorded.Data), history.IsKeyLost), context, ct);
            if (result is not CommandResult.Done done)
            {
                await Console.Error.WriteLineAsync(result is CommandResult.Refused refused ? refused.Refusal.Because : "It was not done.");
                return ExitCode.Refused;
            }

            await ClearAway(database, ct);
            var certificate = await PersonCertificate.After(database, id, ct);
            var told = new WasErased(
                id, done.Version, done.Position, JsonSerializer.SerializeToElement(certificate, LeadsJson.Wire.ErasureCertificateBody));
            await Verb.Answer(parsed.GetValue(json), told, CliJson.Default.WasErased, erased =>
            [
                string.Create(CultureInfo.InvariantCulture, $"The person behind lead {erased.Lead} is erased, at position {erased.Position:N0}."),
                .. PersonCertificate.Lines(certificate),
            ]);
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>
    /// The key's row was overwritten: its former version goes now, not when autovacuum comes. Who may not is passed over by PostgreSQL.
    /// </summary>
    private static async Task ClearAway(VerbDatabase database, CancellationToken ct)
    {
        if (database.Database.Owner is { } owner)
        {
            await using var vacuum = owner.CreateCommand("vacuum crm.subject_keys");
            await vacuum.ExecuteNonQueryAsync(ct);
        }
    }

    private static async Task<int> TryOut(
        VerbDatabase database, Guid id, Func<IEnumerable<object>, bool, EraseLead> command, bool json, CancellationToken ct)
    {
        var history = await database.Log.ReadStreamToErase(id, ct);
        var events = history.Select(static recorded => recorded.Data).ToList();
        if (command(events, false).Decide(Domain.Leads.Lead.Aggregate.Fold(events.OfType<LeadEvent>())).Refusal is { } refusal)
        {
            await Console.Error.WriteLineAsync(refusal.Because);
            return ExitCode.Refused;
        }

        var check = new ErasureCheck(database.Database.App, database.Log, ProjectionList.All);
        var places = new WouldErase(id, await check.Places(id, history, ct));
        await Verb.Answer(json, places, CliJson.Default.WouldErase, static would => would.Places.Select(static place =>
            string.Create(CultureInfo.InvariantCulture, $"{place.Count,8:N0}  {place.Place}: {place.Holds}")));
        return ExitCode.Done;
    }

    private static async Task Write(string file, string text, CancellationToken ct)
    {
        await using var stream = new FileStream(
            file, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = OursAlone });
        await using var writer = new StreamWriter(stream);
        await writer.WriteAsync(text.AsMemory(), ct);
    }

    /// <summary>What was written.</summary>
    internal sealed record Told(Guid Lead, int Events, string Folder);

    /// <summary>What was erased.</summary>
    internal sealed record WasErased(Guid Lead, long Version, long Position, JsonElement Certificate);

    /// <summary>What would be erased.</summary>
    internal sealed record WouldErase(Guid Lead, IReadOnlyList<ErasurePlace> Places);
}

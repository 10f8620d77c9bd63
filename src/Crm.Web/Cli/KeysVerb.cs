using System.CommandLine;
using System.Globalization;
using Crm.EventStore.Log;
using Crm.EventStore.Sealing;
using Crm.Web.Hosting;
using Crm.Web.Security;

namespace Crm.Web.Cli;

/// <summary>
/// <c>crm keys list</c> and <c>crm keys rotate</c>: the keys that sign access tokens, and with <c>--to</c> the master key.
/// </summary>
internal static class KeysVerb
{
    /// <summary>The verb with what can be done.</summary>
    public static Command Command() => new("keys", "Looks after the keys that sign access tokens, and the master key.") { List(), Rotate() };

    private static Command List()
    {
        var json = Verb.Json();
        var command = new Command("list", "Lists the keys and their time; never their secrets.") { json };
        command.Runs((parsed, ct) => With(
            async (_, keys) =>
            {
                var all = new SigningKeysBody([.. (await keys.All(ct)).Select(SigningKeyBody.Of)]);
                await Verb.Answer(parsed.GetValue(json), all, CliJson.Default.SigningKeysBody, static all => all.Items.Select(Line));
                return ExitCode.Done;
            },
            ct));
        return command;
    }

    private static Command Rotate()
    {
        var json = Verb.Json();
        var to = new Option<string>("--to")
        {
            HelpName = "FILE|new",
            Description = "Replaces the master key instead: by the first one of a file, or by a new one. Can be interrupted and repeated.",
        };
        var command = new Command("rotate", "Makes the next key. It signs as soon as every host knows it; nobody is signed out.")
        {
            to, json,
        };
        command.Runs((parsed, ct) => parsed.GetValue(to) is { } next ? MasterKeyVerb.Rotate(next, parsed.GetValue(json), ct) : With(
            async (rotation, keys) =>
            {
                if (keys.AreConfigured)
                {
                    await Console.Error.WriteLineAsync("The keys come from files: change SigningKeyFile and PreviousKeyFiles.");
                    return ExitCode.Refused;
                }

                var next = SigningKeyBody.Of(await rotation.Rotate(Envelope.System, ct));
                await Verb.Answer(parsed.GetValue(json), next, CliJson.Default.SigningKeyBody, static key => [Line(key)]);
                return ExitCode.Done;
            },
            ct));
        return command;
    }

    private static async Task<int> With(Func<KeyRotation, SigningKeys, Task<int>> work, CancellationToken ct)
    {
        await using var database = await VerbDatabase.Open(ct);
        try
        {
            var options = database.Settings.Read<SecurityOptions>(SecurityOptions.Section);
            var master = database.Masters;
            using var loggers = VerbLogging.Create();
            using var keys = new SigningKeys(database.Database.App, master, options, TimeProvider.System, loggers.CreateLogger<SigningKeys>());
            return await work(new KeyRotation(database.Database.App, database.Log, keys, options, TimeProvider.System), keys);
        }
        catch (Exception refused) when (refused is SettingMissingException or SealBrokenException)
        {
            await Console.Error.WriteLineAsync(refused.Message);
            return ExitCode.Refused;
        }
    }

    private static string Line(SigningKeyBody key) => string.Create(
        CultureInfo.InvariantCulture,
        $"{key.Kid}  signs from {key.ActiveFrom:u}  {(key.RetiresAt is { } end ? $"is taken until {end:u}" : "has no successor yet")}");
}

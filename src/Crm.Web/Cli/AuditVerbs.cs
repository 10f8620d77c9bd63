using System.CommandLine;
using System.Globalization;
using System.IO.Compression;
using Crm.EventStore.Audit;
using Crm.EventStore.Log;
using Crm.Web.Audit;
using Crm.Web.Hosting;

namespace Crm.Web.Cli;

/// <summary><c>crm audit key|rotate|head|heads|export|regrow</c>: the keys, heads and exports of the provable history.</summary>
internal static class AuditVerbs
{
    /// <summary>Heads that were brought to a file.</summary>
    /// <param name="File">The file.</param>
    /// <param name="Added">How many it did not have yet.</param>
    internal sealed record HeadsBrought(string File, int Added);

    /// <summary>A history that was written to a file.</summary>
    /// <param name="File">The file.</param>
    /// <param name="Events">How many events.</param>
    /// <param name="Vkey">The public key that its last head is signed by.</param>
    internal sealed record HistoryExported(string File, long Events, string Vkey);

    /// <summary>The verb with what can be done.</summary>
    public static Command Command() => new("audit", "Looks after the provable history: its keys, its signed heads, exports of it.")
    {
        Key(), Rotate(), Head(), Heads(), Export(), RegrowVerb.Command(),
    };

    private static Command Key()
    {
        var json = Verb.Json();
        var command = new Command("key", "Shows the public keys that heads are checked with, the one that signs first.") { json };
        command.Runs((parsed, ct) => With(
            async audit =>
            {
                await Verb.Answer(
                    parsed.GetValue(json),
                    await Keys(audit.Signing, ct),
                    CliJson.Default.AuditKeysBody,
                    static all => all.Items.Select(static key => key.Vkey));
                return ExitCode.Done;
            },
            ct));
        return command;
    }

    private static Command Rotate()
    {
        var json = Verb.Json();
        var command = new Command("rotate", "Makes the next key, which signs from now on; what the others signed stays good.") { json };
        command.Runs((parsed, ct) => With(
            async audit =>
            {
                if (audit.Options.SigningKeyFile is not null)
                {
                    await Console.Error.WriteLineAsync($"The key comes from a file: change {AuditOptions.Section}:SigningKeyFile.");
                    return ExitCode.Refused;
                }

                await audit.Signing.Rotate(ct);
                await Verb.Answer(
                    parsed.GetValue(json), await Keys(audit.Signing, ct), CliJson.Default.AuditKeysBody, static all => [all.Items[0].Vkey]);
                return ExitCode.Done;
            },
            ct));
        return command;
    }

    private static Command Head()
    {
        var json = Verb.Json();
        var command = new Command("head", "Signs the log as it is at this moment, and shows the head.") { json };
        command.Runs((parsed, ct) => With(
            async audit =>
            {
                if (await audit.Follower.SignNow(ct) is not { } head)
                {
                    return await Empty();
                }

                await Verb.Answer(
                    parsed.GetValue(json),
                    CheckpointBody.Of(head),
                    CliJson.Default.CheckpointBody,
                    static body => [body.Note.TrimEnd('\n')]);
                return ExitCode.Done;
            },
            ct));
        return command;
    }

    private static Command Heads()
    {
        var json = Verb.Json();
        var to = To("The file; it grows by a line for each head that it does not have yet.");
        var command = new Command(
            "heads", "Brings the signed heads to a file, to be kept where nobody who changes the database can change it.") { to, json };
        command.Runs((parsed, ct) => With(
            async audit =>
            {
                var file = parsed.GetRequiredValue(to);
                await Verb.Answer(
                    parsed.GetValue(json),
                    new HeadsBrought(file, await HeadFile.Bring(file, audit.Tree, ct)),
                    CliJson.Default.HeadsBrought,
                    static done => [string.Create(CultureInfo.InvariantCulture, $"{done.Added:N0} heads added")]);
                return ExitCode.Done;
            },
            ct));
        return command;
    }

    private static Command Export()
    {
        var json = Verb.Json();
        var to = To("The file, made anew; compressed where its name ends with .gz.");
        var command = new Command("export", "Writes the whole history to a file that crm verify --offline verifies by itself.")
        {
            to, json,
        };
        command.Runs((parsed, ct) => With(
            async audit =>
            {
                if (await audit.Follower.SignNow(ct) is not { } head)
                {
                    return await Empty();
                }

                var file = parsed.GetRequiredValue(to);
                await ProgressBar.Show(async tell =>
                {
                    await Write(audit, head, file, new Told<double>(done => tell("export", done)), ct);
                    return true;
                });
                await Verb.Answer(
                    parsed.GetValue(json),
                    new HistoryExported(file, head.Size, audit.Keys[0].Public.ToString()),
                    CliJson.Default.HistoryExported,
                    static done =>
                    [
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{done.Events:N0} events; verify with: crm verify --offline {done.File} --key {done.Vkey}"),
                    ]);
                return ExitCode.Done;
            },
            ct));
        return command;
    }

    private static async Task<AuditKeysBody> Keys(AuditSigning signing, CancellationToken ct) =>
        new([.. (await signing.Public(ct)).Select(static key => new AuditKeyBody(key.Public.ToString(), key.CreatedAt))]);

    private static Option<string> To(string description) => new("--to") { Description = description, Required = true };

    private static async Task Write(Audit audit, AuditHead head, string file, IProgress<double> progress, CancellationToken ct)
    {
        // Under another name until it is whole.
        var draft = file + ".part";
        await using (var stream = new FileStream(draft, FileMode.Create, FileAccess.Write, FileShare.None, 1024 * 1024, useAsync: true))
        {
            await using (Stream lines = file.EndsWith(".gz", StringComparison.Ordinal)
                ? new GZipStream(stream, CompressionLevel.Fastest, leaveOpen: true)
                : new BufferedStream(stream, 1024 * 1024))
            {
                await new AuditExport(audit.Database).Write(head, lines, progress, ct);
                await lines.FlushAsync(ct);
                if (lines is BufferedStream)
                {
                    stream.Flush(flushToDisk: true);
                }
            }
        }

        File.Move(draft, file, overwrite: true);
    }

    private static async Task<int> Empty()
    {
        await Console.Error.WriteLineAsync("The log is empty: there is nothing to sign.");
        return ExitCode.Refused;
    }

    private static async Task<int> With(Func<Audit, Task<int>> work, CancellationToken ct)
    {
        await using var database = await VerbDatabase.Open(ct);
        var options = database.Settings.Read<AuditOptions>(AuditOptions.Section);
        var pool = database.Database.App;
        var tree = new AuditTree(pool);
        var signing = new AuditSigning(pool, database.Masters, options, TimeProvider.System);
        using var loggers = VerbLogging.Create();
        using var follower = new AuditFollower(
            tree, signing, new LogPosition(), options, TimeProvider.System, loggers.CreateLogger<AuditFollower>());
        return await work(new Audit(pool, tree, signing, follower, options, await signing.Public(ct)));
    }

    private sealed record Audit(
        Npgsql.NpgsqlDataSource Database, AuditTree Tree, AuditSigning Signing, AuditFollower Follower, AuditOptions Options,
        IReadOnlyList<AuditKey> Keys);
}

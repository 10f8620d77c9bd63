using System.CommandLine;
using System.Globalization;
using Crm.EventStore.Schema;
using Crm.Web.Hosting;

namespace Crm.Web.Cli;

/// <summary><c>crm version</c>: which program this is, and whether its files are those that were built.</summary>
internal static class VersionVerb
{
    /// <summary>Which program this is.</summary>
    /// <param name="Program">Its version.</param>
    /// <param name="Schema">The last migration that it knows.</param>
    /// <param name="SchemaFingerprint">Two programs with the same one make the same schema.</param>
    /// <param name="Files">Its files; null unless asked for.</param>
    internal sealed record Told(string Program, string Schema, string SchemaFingerprint, ProgramFiles? Files);

    /// <summary>The verb.</summary>
    public static Command Command()
    {
        var json = Verb.Json();
        var files = new Option<bool>("--files")
        {
            Description = $"Compares each file of the program with the SHA-256 list that was written when it was built ({ProgramFiles.List}).",
        };
        var command = new Command("version", "Says which program this is, and whether its files are those that were built.")
        {
            files, json,
        };
        command.Runs(async (parsed, ct) =>
        {
            var looked = parsed.GetValue(files) ? await ProgramFiles.Look(AppContext.BaseDirectory, ct) : null;
            if (parsed.GetValue(files) && looked is null)
            {
                await Console.Error.WriteLineAsync(
                    $"Refused: there is no {ProgramFiles.List} in {AppContext.BaseDirectory}: ops/run and dotnet publish write one.");
                return ExitCode.Refused;
            }

            var version = typeof(VersionVerb).Assembly.GetName().Version?.ToString() ?? "unknown";
            var told = new Told(version, Migrations.Latest, Migrations.Fingerprint, looked);
            await Verb.Answer(parsed.GetValue(json), told, CliJson.Default.ToldVersion, Lines);
            return looked is null or { IsIntact: true } ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    private static IEnumerable<string> Lines(Told told)
    {
        yield return $"crm {told.Program}, schema {told.Schema} ({told.SchemaFingerprint[..16]})";
        if (told.Files is not { } files)
        {
            yield break;
        }

        foreach (var file in files.Files)
        {
            yield return $"{file.Status,-9}  {file.Found ?? file.Listed}  {file.Path}";
        }

        var unchanged = files.Files.Count(static file => file.Status == "unchanged");
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{unchanged:N0} of {files.Files.Count:N0} files in {files.Folder} as they were built");
        yield return $"SHA-256 of the list itself, to be compared with the one kept elsewhere: {files.ListSha256}";
    }
}

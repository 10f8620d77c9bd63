using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Application.Seeding;
using Crm.Domain.Leads;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.Testing;

namespace Crm.Web.Tests.Cli;

public sealed partial class Restoring_on_the_command_line(TestDatabase database) : IClassFixture<TestDatabase>, IAsyncLifetime
{
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("crm-cli-restore-");
    private readonly List<string> made = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Archive => Path.Combine(folder.FullName, "archive");

    public async ValueTask InitializeAsync()
    {
        await using (var log = new EventLog(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition()))
        {
            await LeadSeed.To(log, 30, seed: 5, Now, progress: null, Ct);
        }

        var (code, _, error) = await CrmProcess.Run(database, Ct, "backup", "--to", Archive);
        Assert.True(code == 0, error);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var each in made)
        {
            await DatabaseAdmin.DropDatabase(database.Cluster.Admin, each, CancellationToken.None);
        }

        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task asks_the_database_that_serves_who_was_erased_since_and_says_loudly_where_nobody_could_be_asked()
    {
        var erased = await EraseALead();

        var asked = await Restored(Name(), database.Name);
        var (elsewhere, target) = (Name(), Name());
        await DatabaseAdmin.CreateDatabase(database.Cluster.Admin, elsewhere, template: null, Ct);
        var notAsked = await Restored(target, elsewhere);
        var list = Path.Combine(folder.FullName, "erased.txt");
        await File.WriteAllTextAsync(list, $"{erased}\n", Ct);
        var told = await Restored(Name(), elsewhere, "--erased-from", list);

        Assert.Equal(1, asked.GetProperty("erasedAgain").GetInt32());
        Assert.Contains("the serving database", Assert.Single(Texts(asked, "erasuresFrom")), StringComparison.Ordinal);
        Assert.Empty(Texts(asked, "warnings"));
        Assert.Equal(0, notAsked.GetProperty("erasedAgain").GetInt32());
        Assert.Empty(Texts(notAsked, "erasuresFrom"));
        Assert.StartsWith("WHOEVER WAS ERASED AFTER POSITION", Assert.Single(Texts(notAsked, "warnings")), StringComparison.Ordinal);
        Assert.Equal(1, told.GetProperty("erasedAgain").GetInt32());
        Assert.Equal([list], Texts(told, "erasuresFrom"));
        Assert.Empty(Texts(told, "warnings"));
    }

    [Fact]
    public async Task never_leaves_a_half_filled_database_without_a_word()
    {
        await PutNoEventsWhereTheManifestPromisesSome();
        var target = Name();

        var (code, _, error) = await CrmProcess.Run(database, Ct, "restore", "--from", Archive, "--into", target);
        var (again, _, _) = await CrmProcess.Run(database, Ct, "restore", "--from", Archive, "--into", target);

        Assert.Equal((1, 1), (code, again));
        Assert.Contains($"{target} is half filled", error, StringComparison.Ordinal);
        Assert.Contains("the same command goes on where it stopped, or drop that database", error, StringComparison.Ordinal);
        Assert.True(error.Contains("log/", StringComparison.Ordinal), error);
    }

    private async Task<JsonElement> Restored(string into, string settings, params string[] more)
    {
        using var started = CrmProcess.Start(
            database,
            [("CRM_MASTER_KEY", TestKeys.Text), ("ConnectionStrings__Crm", database.Cluster.Superuser(settings))],
            ["restore", "--from", Archive, "--into", into, "--json", .. more]);
        var (code, output, error) = await started.End(Ct);
        Assert.True(code == 0, error);
        return JsonDocument.Parse(output).RootElement;
    }

    private static IEnumerable<string?> Texts(JsonElement report, string name) =>
        report.GetProperty(name).EnumerateArray().Select(static each => each.GetString());

    private async Task<Guid> EraseALead()
    {
        await using var log = new EventLog(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        using var commands = new CommandRunner(log);
        await using var find = database.App.CreateCommand(
            "select stream_id from crm.mt_events where type = 'lead-captured' order by seq_id limit 1");
        var lead = Assert.IsType<Guid>(await find.ExecuteScalarAsync(Ct));
        var outcome = await commands.Run(
            LeadStream.Kind, lead, new EraseLead("asked for", "the person", PersonTraces.None),
            new CommandContext(Envelope.System, Now, Scope.System), Ct);
        Assert.IsType<CommandResult.Done>(outcome);
        return lead;
    }

    /// <summary>An archive that is not encrypted can be forged so that its hashes agree: it fails as late as when it is loaded.</summary>
    private async Task PutNoEventsWhereTheManifestPromisesSome()
    {
        var segment = Assert.Single(Directory.GetFiles(Path.Combine(Archive, "log")));
        await using (var gzip = new GZipStream(File.Create(segment), CompressionLevel.Fastest))
        {
            await gzip.WriteAsync("{\"seq_id\":\"none\"}\n"u8.ToArray(), Ct);
        }

        var (manifest, bytes) = (Path.Combine(Archive, "manifest.json"), await File.ReadAllBytesAsync(segment, Ct));
        var text = await File.ReadAllTextAsync(manifest, Ct);
        var before = JsonDocument.Parse(text).RootElement.GetProperty("segments")[0].GetProperty("file");
        text = text.Replace(before.GetProperty("sha256").GetString() ?? "", Convert.ToHexStringLower(SHA256.HashData(bytes)), StringComparison.Ordinal)
            .Replace($"\"bytes\": {before.GetProperty("bytes").GetInt64()}", $"\"bytes\": {bytes.Length}", StringComparison.Ordinal);
        var open = Digest().Replace(text, "\"digest\": \"\"");
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(open.TrimEnd('\n'))));
        await File.WriteAllTextAsync(manifest, open.Replace("\"digest\": \"\"", $"\"digest\": \"{digest}\"", StringComparison.Ordinal), Ct);
    }

    private string Name()
    {
        made.Add($"{database.Name}_r{made.Count}");
        return made[^1];
    }

    [GeneratedRegex("\"digest\": \"[0-9a-f]*\"", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Digest();
}

using System.Text.Json;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Domain.Leads;
using Crm.EventStore.Log;
using Crm.Testing;

namespace Crm.Web.Tests.Cli;

public sealed class Persons_and_retention(TestDatabase database) : IClassFixture<TestDatabase>, IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("crm-cli-");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Delete(recursive: true);

    [Fact]
    public async Task tells_a_person_what_is_held_and_then_erases_them()
    {
        var lead = (await Captured("Zeppelinova", monthsAgo: 1)).ToString();
        var to = Path.Combine(folder.FullName, "told");
        Assert.Equal(0, (await Crm("person", "export", "--lead", lead, "--out", to)).Code);
        Assert.Contains("Zeppelinova", await File.ReadAllTextAsync(Path.Combine(to, "person.html"), Ct), StringComparison.Ordinal);
        using (var told = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(to, "person.json"), Ct)))
        {
            Assert.Equal("Zeppelinova", told.RootElement.GetProperty("lead").GetProperty("lastName").GetString());
            Assert.Equal("personal-data", told.RootElement.GetProperty("reads")[0].GetProperty("what").GetString());
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(to, "person.json")));

        string[] erase = ["person", "erase", "--lead", lead, "--reason", "Article 17", "--requested-by"];
        var (code, _, error) = await Crm([.. erase, "Mrs Zeppelinova"]);
        Assert.Equal(3, code);
        Assert.DoesNotContain("Zeppelinova", error, StringComparison.Ordinal);
        var tried = await Crm([.. erase, "the person", "--dry-run", "--json"]);
        Assert.Equal(0, tried.Code);
        Assert.Contains("\"keys\"", tried.Output, StringComparison.Ordinal);
        Assert.Equal(3, (await Crm("person", "certificate", lead)).Code);
        await Execute("create extension if not exists pageinspect");
        var done = await Crm([.. erase, "the person"]);
        Assert.Equal(0, done.Code);
        Assert.Contains("Certificate of erasure: lead " + lead, done.Output, StringComparison.Ordinal);
        Assert.Contains("key destroyed 20", done.Output, StringComparison.Ordinal);
        Assert.Contains("for a while: The write-ahead log", done.Output, StringComparison.Ordinal);

        // No former version of a row is left on the table's page: the key went with it.
        Assert.Equal(
            await Execute("select count(*) from crm.subject_keys"),
            await Execute("select count(*) from heap_page_items(get_raw_page('crm.subject_keys', 0)) where lp_flags = 1"));

        // Every read model is there, so what a host serves and what the verb says is the same document.
        var page = Path.Combine(folder.FullName, "certificate.html");
        Assert.Equal(0, (await Crm("projections", "rebuild", "--all")).Code);
        var certified = await Crm("person", "certificate", lead, "--json", "--out", page);
        Assert.True(certified.Code == 0, certified.Output);
        using var certificate = JsonDocument.Parse(certified.Output);
        Assert.True(certificate.RootElement.GetProperty("verified").GetBoolean());
        Assert.False(certificate.RootElement.GetProperty("keyWasLost").GetBoolean());
        Assert.Contains("crm.subject_keys", certificate.RootElement.GetProperty("remains")[0].GetString(), StringComparison.Ordinal);
        Assert.Contains("remains ", certificate.RootElement.GetProperty("note").GetString(), StringComparison.Ordinal);
        Assert.Contains("Certificate of erasure", await File.ReadAllTextAsync(page, Ct), StringComparison.Ordinal);
        Assert.Equal(2, (await Crm("person", "certificate", "nope")).Code);
        Assert.Equal(3, (await Crm([.. erase, "the person"])).Code);
    }

    [Fact]
    public async Task keeps_leads_for_as_long_as_the_settings_say_once_they_were_tried_out()
    {
        Assert.Contains("every lead is kept", (await Crm("retention", "run")).Output, StringComparison.Ordinal);
        var quiet = await Captured("Quiet", monthsAgo: 30);
        (string, string)[] rules = [("Crm__Retention__ArchiveAfterMonths", "24")];
        var (code, _, error) = await Crm(rules, "retention", "run");
        Assert.Equal(3, code);
        Assert.Contains("--dry-run", error, StringComparison.Ordinal);

        var tried = await Crm(rules, "retention", "run", "--dry-run", "--json");
        Assert.Equal(0, tried.Code);
        using var found = JsonDocument.Parse(tried.Output);
        var due = Assert.Single(found.RootElement.GetProperty("due").EnumerateArray().ToList());
        Assert.Equal((quiet, "archive"), (due.GetProperty("id").GetGuid(), due.GetProperty("what").GetString()));
        Assert.Equal("No activity for 24 months.", due.GetProperty("why").GetString());
        Assert.True(due.GetProperty("since").GetDateTimeOffset() < TimeProvider.System.GetUtcNow().AddMonths(-29));

        var told = await Crm(rules, "retention", "run", "--dry-run");
        Assert.Contains("1 would be put away", told.Output, StringComparison.Ordinal);
        Assert.Contains($"{quiet} put away: No activity for 24 months.", told.Output, StringComparison.Ordinal);
        Assert.Contains("retention run --position", told.Output, StringComparison.Ordinal);
        var other = await Crm(rules, "retention", "run", "--position", "987654");
        Assert.Equal(3, other.Code);
        Assert.Contains("not 987654", other.Error, StringComparison.Ordinal);

        // What has become due since is not what was said.
        await Captured("Late", monthsAgo: 30);
        foreach (var before in new[] { 0, 1 })
        {
            var done = await Crm(rules, "retention", "run", "--json");
            Assert.Equal(0, done.Code);
            using var report = JsonDocument.Parse(done.Output);
            Assert.Equal(1, report.RootElement.GetProperty("archived").GetInt64());
            Assert.Equal(before, report.RootElement.GetProperty("before").GetInt64());
        }

        Assert.Equal(3, (await Crm([.. rules, ("Crm__Retention__EraseAfterMonths", "48")], "retention", "run")).Code);
    }

    [Theory]
    [InlineData("Crm__Retention__EraseAfterMonths", "0", 2, "at least one month")]
    [InlineData("Crm__Retention__ArchiveAfterMonths", "two years", 3, "Crm:Retention:ArchiveAfterMonths is \"two years\"")]
    [InlineData("Crm__Retention__ArchiveAfter", "24", 3, "Crm:Retention:ArchiveAfter is no setting")]
    public async Task names_a_setting_that_cannot_be_meant(string setting, string value, int exit, string says)
    {
        var (code, _, error) = await Crm([(setting, value)], "retention", "run", "--dry-run");
        Assert.Equal(exit, code);
        Assert.Contains(says, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.Contains(says, (await Crm([(setting, value)], "config", "check")).Output, StringComparison.Ordinal);
    }

    private async Task<object?> Execute(string sql)
    {
        await using var command = database.Superuser.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Ct);
    }

    private Task<(int Code, string Output, string Error)> Crm(params string[] arguments) => Crm([], arguments);

    private async Task<(int Code, string Output, string Error)> Crm((string, string)[] settings, params string[] arguments)
    {
        using var process = CrmProcess.Start(database, [("CRM_MASTER_KEY", TestKeys.Text), .. settings], arguments);
        return await process.End(Ct);
    }

    private async Task<Guid> Captured(string name, int monthsAgo)
    {
        await using var log = new EventLog(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());
        using var commands = new CommandRunner(log);
        var lead = Guid.NewGuid();
        var context = new CommandContext(Envelope.System, TimeProvider.System.GetUtcNow().AddMonths(-monthsAgo), Scope.System);
        var command = new CaptureLead(LeadDetails.Unknown with { LastName = name }, Owner: null);
        Assert.IsType<CommandResult.Done>(await commands.Begin(LeadStream.Kind, lead, command, context, Ct));
        return lead;
    }
}

using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using Crm.Application;
using Crm.Application.Leads;
using Crm.Application.Permissions;
using Crm.Domain.Leads;
using Crm.EventStore.Archives;
using Crm.EventStore.LocalPostgres;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Crm.Projections;
using Npgsql;

namespace Crm.Web.Tests.Erasure;

/// <summary>
/// Persons with a mark in every field that can hold text, erased: nobody who gets everything that is stored finds any of it. The mark is
/// looked for as it is, in whatever case, and in the hexadecimal form in which a dump writes bytes.
/// </summary>
public sealed partial class A_thousand_erased_persons(TestHost host) : IClassFixture<TestHost>
{
    private const int Persons = 1_000;
    private const int OverHttp = 40;
    private static readonly DateTimeOffset Noon = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task leave_nothing_in_a_dump_of_the_database_in_an_archive_in_the_hosts_log_or_in_its_figures()
    {
        var admin = await host.Admin();
        var colleague = await host.Register("agent");
        var leads = await Live(admin, colleague);
        await CaughtUp();

        // A build that nobody reads any more holds them too.
        foreach (var projection in ProjectionList.All.Where(one => one.Name is "lead_board" or "lead_timeline"))
        {
            await host.Services.GetRequiredService<Rebuilder>().Rebuild(projection, progress: null, Ct);
        }

        var before = Marked().Matches(await Dump("--schema=crm_read")).Select(match => match.Value.ToLowerInvariant()).Distinct().Count();
        Assert.Equal(2 * Persons, before); // the mark and the number of each
        Assert.DoesNotMatch(Marked(), await Dump("--table=crm.mt_events", "--table=crm.receipts", "--table=crm.parked", "--table=crm.bookmarks"));

        await Erase(admin, leads);
        await CaughtUp();

        Assert.DoesNotMatch(Marked(), await Dump());
        await foreach (var (file, content) in Archived())
        {
            Assert.False(Marked().IsMatch(content), file);
        }

        Assert.DoesNotContain(host.Log.Lines, line => Marked().IsMatch(line));
        Assert.DoesNotMatch(Marked(), (await admin.Client.Send(HttpMethod.Get, "/metrics", null)).Is(200).Text);

        // The history is there all the same, and the certificates say so.
        Assert.Equal(Persons, await Scalar("select count(*) from crm.mt_events where type = 'lead-erased'"));
        Assert.Equal(Persons, await Scalar("select count(*) from crm_read.activity_facts where measure = 'lead-note-added'"));
        foreach (var lead in leads.Take(5))
        {
            Assert.True((await admin.Get($"/leads/{lead}/erasure")).Is(200).Body.GetProperty("verified").GetBoolean());
        }
    }

    private async Task<List<Guid>> Live(SignedInUser admin, SignedInUser colleague)
    {
        var commands = host.Services.GetRequiredService<CommandRunner>();
        var leads = Enumerable.Range(0, Persons).Select(_ => Guid.CreateVersion7(Noon)).ToList();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Persons),
            new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Ct },
            async (number, ct) =>
            {
                var mark = MarkOf(number);
                if (number < OverHttp)
                {
                    (await admin.Post("/leads", Body(leads[number], mark, number))).Is(201);
                }

                foreach (var command in Life(mark, number, admin.Id, colleague.Id).Skip(number < OverHttp ? 1 : 0))
                {
                    var context = new CommandContext(new Envelope("system", Reason: $"since {mark} asked"), Noon.AddDays(1), Scope.System);
                    var result = command is CaptureLead
                        ? await commands.Begin(LeadStream.Kind, leads[number], command, context, ct)
                        : await commands.Run(LeadStream.Kind, leads[number], command, context, ct);
                    Assert.True(result is CommandResult.Done { EventTypes: not [] }, $"{command} came to {result}");
                }
            });
        return leads;
    }

    private static IEnumerable<Crm.Domain.ICommand<Lead, LeadEvent>> Life(string mark, int number, Guid one, Guid other)
    {
        var (first, second) = (new Agent(one, Exists: true, IsActive: true), new Agent(other, Exists: true, IsActive: true));
        var details = new LeadDetails(
            $"F{mark}", mark, $"{mark}@example.com", PhoneOf(number), $"{mark} Ltd", "referral", new Crm.Domain.Money(1_000, "EUR"),
            [mark], $"K-{mark}");
        yield return new CaptureLead(details, Owner: null);
        yield return new ChangeLead
        {
            LastName = $"{mark}Later",
            Email = $"later.{mark}@example.com",
            Company = $"{mark} Later Ltd",
            ExternalId = $"L-{mark}",
            Tags = Crm.Domain.Change<IReadOnlyList<string>?>.To([mark, $"{mark}-two"]),
        };
        yield return new AssignLead(first);
        yield return new TransferLead(second, $"{mark} knows them");
        yield return new CompleteAssignment(other, MayActForOthers: true, $"{mark} is glad");
        yield return new LogActivity(Guid.CreateVersion7(Noon), Crm.Domain.Leads.ActivityKind.Call, ActivityDirection.Out, Noon, Noon.AddDays(1))
        {
            Subject = $"Call of {mark}",
            Notes = $"{mark} said this",
            Outcome = $"{mark} thinks it over",
        };
        yield return new AddNote(Guid.CreateVersion7(Noon), $"{mark} likes tea");
        yield return new QualifyLead(70);
        yield return new ConvertLead(
            new ConvertedOpportunity($"Engine for {mark}", new Crm.Domain.Money(5, "EUR"), null), new ConvertedCustomer($"{mark} & Sons"));
        yield return new UnconvertLead($"{mark} did not sign");
        yield return new DisqualifyLead($"{mark} will not buy");
        yield return new ReopenLead($"{mark} came back");
        yield return new ArchiveLead($"{mark} is quiet");
        yield return new UnarchiveLead($"{mark} is loud");
        yield return new RestoreLead(Lead.Initial with { Status = LeadStatus.New, Details = details }, 1, $"{mark} was right");
    }

    private async Task Erase(SignedInUser admin, List<Guid> leads)
    {
        var commands = host.Services.GetRequiredService<CommandRunner>();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, Persons),
            new ParallelOptions { MaxDegreeOfParallelism = 32, CancellationToken = Ct },
            async (number, ct) =>
            {
                if (number < OverHttp)
                {
                    (await admin.Post($"/leads/{leads[number]}/erase", """{"reason":"Article 17","requestedBy":"the person"}""")).Is(200);
                    return;
                }

                var context = new CommandContext(Envelope.System, Noon.AddDays(2), Scope.System);
                var command = new EraseLead("Article 17", "the person", PersonTraces.None);
                Assert.IsType<CommandResult.Done>(await commands.Run(LeadStream.Kind, leads[number], command, context, ct));
            });
    }

    private async Task CaughtUp()
    {
        var last = await Scalar("select max(seq_id) from crm.mt_events");
        var progress = host.Services.GetRequiredService<ProjectionProgress>();
        foreach (var projection in ProjectionList.All)
        {
            Assert.True(await progress.WaitFor(projection.Name, last, TimeSpan.FromSeconds(60), TimeProvider.System, Ct), projection.Name);
        }
    }

    /// <summary>A dump as the superuser gets it: plain, of every schema.</summary>
    private async Task<string> Dump(params string[] further)
    {
        var programs = await ServerPrograms.Find(
            Environment.GetEnvironmentVariable(ServerPrograms.Setting), Environment.GetEnvironmentVariable("PATH"), major: null, Ct);
        var login = new NpgsqlConnectionStringBuilder(host.Database.Cluster.Superuser(host.Database.Name));
        var start = new ProcessStartInfo(programs["pg_dump"], further) { RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["PGHOST"] = login.Host;
        start.Environment["PGPORT"] = login.Port.ToString(CultureInfo.InvariantCulture);
        start.Environment["PGUSER"] = login.Username;
        start.Environment["PGPASSWORD"] = login.Password;
        start.Environment["PGDATABASE"] = login.Database;
        using var dumping = Process.Start(start) ?? throw new InvalidOperationException("pg_dump did not start.");
        var text = await dumping.StandardOutput.ReadToEndAsync(Ct);
        await dumping.WaitForExitAsync(Ct);
        Assert.Equal(0, dumping.ExitCode);
        return text;
    }

    /// <summary>Every file of an archive that is made now, unpacked where it is packed.</summary>
    private async IAsyncEnumerable<(string File, string Content)> Archived()
    {
        var root = Directory.CreateTempSubdirectory("crm-test-").FullName;
        try
        {
            await new LogBackup(host.Database.App, ArchiveFolder.At(root, keys: null), key: null, TimeProvider.System).Run(progress: null, Ct);
            var files = Directory.GetFiles(root, "*", SearchOption.AllDirectories);
            Assert.True(files.Length > 2, "The archive is empty.");
            foreach (var file in files)
            {
                await using var stream = File.OpenRead(file);
                var isPacked = stream.ReadByte() == 0x1f && stream.ReadByte() == 0x8b;
                stream.Position = 0;
                await using Stream content = isPacked ? new GZipStream(stream, CompressionMode.Decompress) : stream;
                using var reader = new StreamReader(content, Encoding.Latin1);
                yield return (Path.GetFileName(file), await reader.ReadToEndAsync(Ct));
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private async Task<long> Scalar(string sql)
    {
        await using var command = host.Database.Superuser.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(Ct) ?? 0L);
    }

    private static string MarkOf(int number) => string.Create(CultureInfo.InvariantCulture, $"Quist{number:D4}ova");

    private static string PhoneOf(int number) => string.Create(CultureInfo.InvariantCulture, $"+99 5553917{number:D4}");

    private static string Body(Guid id, string mark, int number) =>
        $$"""
        {"id":"{{id}}","firstName":"F{{mark}}","lastName":"{{mark}}","email":"{{mark}}@example.com","phone":"{{PhoneOf(number)}}",
         "company":"{{mark}} Ltd","source":"referral","value":{"amount":1000,"currency":"EUR"},"tags":["{{mark}}"],"externalId":"K-{{mark}}"}
        """;

    // The mark, the telephone numbers, and "Quist" in the hexadecimal digits of a dump's bytes.
    [GeneratedRegex("quist[0-9]{4}ova|5553917[0-9]{4}|5175697374", RegexOptions.IgnoreCase, matchTimeoutMilliseconds: 60_000)]
    private static partial Regex Marked();
}

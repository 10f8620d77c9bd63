using System.Text.Json;
using Crm.Testing;
using Crm.Web.Tests.Cli;
using Npgsql;

namespace Crm.Web.Tests.Operations;

public class Undoing_what_somebody_did(TestHost host) : IClassFixture<TestHost>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task puts_back_what_they_changed_and_keeps_what_others_changed_since()
    {
        var (admin, bad) = (await host.Admin(), await host.Register("manager"));
        var (kept, alone) = (await Capture(admin), await Capture(admin));
        foreach (var lead in new[] { kept, alone })
        {
            (await bad.Patch($"/leads/{lead}", """{"company":"Wrong","source":"wrong"}""")).Is(200);
            (await bad.Post($"/leads/{lead}/notes", """{"text":"nonsense"}""")).Is(200);
        }

        (await admin.Patch($"/leads/{kept}", """{"company":"Right"}""")).Is(200);
        var theirs = (await bad.Post("/leads", """{"lastName":"Invented"}""")).Is(201).Id;

        var report = await Undo(admin, $$"""{"actor":"{{bad.Id}}","reason":"stolen password"}""");

        Assert.Equal((3, 3, 0), (Count(report, "leads"), Count(report, "reversed"), Count(report, "failed")));
        Assert.Equal("Right/referral", await CompanyAndSource(admin, kept));
        Assert.Equal("Ltd/referral", await CompanyAndSource(admin, alone));
        Assert.True((await admin.Get($"/leads/{theirs}")).Is(200).Body.GetProperty("archived").GetBoolean());
        var last = (await admin.Get($"/leads/{alone}/history")).Is(200).Items[^1];
        Assert.Equal(
            ("lead-changes-reversed", "stolen password", report.GetProperty("operationId").GetString()),
            (last.GetProperty("type").GetString(), last.GetProperty("reason").GetString(), last.GetProperty("operationId").GetString()));
    }

    [Fact]
    public async Task twice_changes_nothing_more_and_can_itself_be_undone()
    {
        var (admin, bad) = (await host.Admin(), await host.Register("manager"));
        var lead = await Capture(admin);
        (await bad.Patch($"/leads/{lead}", """{"company":"Wrong"}""")).Is(200);
        var body = $$"""{"actor":"{{bad.Id}}"}""";
        var operation = (await Undo(admin, body)).GetProperty("operationId").GetString();

        var before = await LastPosition();
        Assert.Equal(0, Count(await Undo(admin, body), "reversed"));
        Assert.Equal(before, await LastPosition());

        Assert.Equal(1, Count(await Undo(admin, $$"""{"operationId":"{{operation}}"}"""), "reversed"));
        Assert.Equal("Wrong/referral", await CompanyAndSource(admin, lead));
        Assert.Equal(1, Count(await Undo(admin, body), "reversed"));
        Assert.Equal("Ltd/referral", await CompanyAndSource(admin, lead));
    }

    [Fact]
    public async Task writes_nothing_in_a_dry_run()
    {
        var (admin, bad) = (await host.Admin(), await host.Register("manager"));
        var lead = await Capture(admin);
        (await bad.Patch($"/leads/{lead}", """{"company":"Wrong"}""")).Is(200);
        var before = await LastPosition();

        var report = await Undo(admin, $$"""{"actor":"{{bad.Id}}","dryRun":true}""");

        Assert.Equal((1, true), (Count(report, "reversed"), report.GetProperty("dryRun").GetBoolean()));
        Assert.Equal(before, await LastPosition());
        Assert.Equal("Wrong/referral", await CompanyAndSource(admin, lead));
        Assert.DoesNotContain("Wrong", report.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task looks_only_at_the_window()
    {
        var (admin, bad) = (await host.Admin(), await host.Register("manager"));
        var lead = await Capture(admin);
        (await bad.Patch($"/leads/{lead}", """{"company":"In good faith"}""")).Is(200);
        var begins = (await admin.Get($"/leads/{lead}/history")).Items[^1].GetProperty("recordedAt").GetDateTimeOffset().AddMicroseconds(1);
        (await bad.Patch($"/leads/{lead}", """{"company":"Wrong"}""")).Is(200);

        var none = await Undo(admin, $$"""{"actor":"{{bad.Id}}","from":"{{begins.AddHours(1):O}}"}""");
        var some = await Undo(admin, $$"""{"actor":"{{bad.Id}}","from":"{{begins:O}}"}""");

        Assert.Equal((0, 1), (Count(none, "events"), Count(some, "reversed")));
        Assert.Equal("In good faith/referral", await CompanyAndSource(admin, lead));
    }

    [Fact]
    public async Task leaves_an_external_id_that_another_lead_has_taken()
    {
        var (admin, bad) = (await host.Admin(), await host.Register("manager"));
        var external = Guid.NewGuid().ToString();
        var lead = await admin.Captured($$"""{"lastName":"x","externalId":"{{external}}","company":"Ltd","source":"referral"}""");
        (await bad.Patch($"/leads/{lead}", """{"externalId":null,"company":"Wrong"}""")).Is(200);
        (await admin.Post("/leads", $$"""{"lastName":"y","externalId":"{{external}}"}""")).Is(201);

        var report = await Undo(admin, $$"""{"actor":"{{bad.Id}}"}""");

        Assert.Equal((1, 1), (Count(report, "reversed"), Count(report, "fieldsFailed")));
        Assert.Equal("Ltd/referral", await CompanyAndSource(admin, lead));
    }

    [Fact]
    public async Task survives_users_who_go_on_working_meanwhile()
    {
        var (admin, bad) = (await host.Admin(), await host.Register("manager"));
        var leads = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Capture(admin)));
        const string wrong = """{"company":"Wrong","source":"wrong"}""";
        await Task.WhenAll(leads.Select(async lead => (await bad.Patch($"/leads/{lead}", wrong)).Is(200)));

        var editing = Task.WhenAll(leads.Select(async lead => (await admin.Patch($"/leads/{lead}", """{"company":"Right"}""")).Is(200)));
        var report = await Undo(admin, $$"""{"actor":"{{bad.Id}}"}""");
        await editing;

        Assert.Equal((20, 0), (Count(report, "leads"), Count(report, "failed")));
        foreach (var lead in leads)
        {
            Assert.Equal("Right/referral", await CompanyAndSource(admin, lead));
        }
    }

    [Fact]
    public async Task goes_on_after_it_was_killed()
    {
        var (admin, bad) = (await host.Admin(), await host.Register("manager"));
        var leads = await Task.WhenAll(Enumerable.Range(0, 150).Select(_ => Capture(admin)));
        await Task.WhenAll(leads.Select(async lead => (await bad.Patch($"/leads/{lead}", """{"company":"Wrong"}""")).Is(200)));
        string[] verb = ["undo", "--actor", bad.Id.ToString(), "--reason", "A script gone wild.", "--json"];
        var before = await Reversals();

        using (var undo = CrmProcess.Start(host.Database, verb))
        {
            await Eventually.IsTrue(async () => await Reversals() > before, Ct, TimeSpan.FromSeconds(60));
            undo.Kill();
            await undo.End(Ct);
        }

        var (code, output, error) = await CrmProcess.Run(host.Database, Ct, verb);

        Assert.True(code == 0, error);
        Assert.Equal(150, Count(JsonDocument.Parse(output).RootElement, "leads"));
        Assert.Equal(before + 150, await Reversals());
    }

    [Fact]
    public async Task is_refused_without_saying_whose_and_is_for_admins()
    {
        var admin = await host.Admin();
        Assert.Contains(("/actor", "required"), (await admin.Post("/ops/undo", "{}")).Is(422).Errors);
        (await admin.Post("/ops/undo", """{"actor":"x","from":"2026-01-02T00:00:00Z","to":"2026-01-01T00:00:00Z"}"""))
            .IsRefused(422, "invalid");
        Assert.Contains(
            ("/actor", "only-one"), (await admin.Post("/ops/undo", """{"actor":"x","operationId":"y"}""")).Is(422).Errors);
        (await (await host.As("ops")).Post("/ops/undo", """{"actor":"x"}""")).IsRefused(403, "forbidden");

        var (code, _, error) = await CrmProcess.Run(host.Database, Ct, "undo");
        Assert.Equal(2, code);
        Assert.Contains("--actor", error, StringComparison.Ordinal);
    }

    private static async Task<Guid> Capture(SignedInUser admin) =>
        (await admin.Post("/leads", """{"lastName":"x","company":"Ltd","source":"referral"}""")).Is(201).Id;

    private static async Task<JsonElement> Undo(SignedInUser admin, string body)
    {
        var job = (await admin.Post("/ops/undo", body)).Is(202).Header("Location")!["/api/v1".Length..]; // 202 has an address
        await Eventually.IsTrue(
            async () => (await admin.Get(job)).Is(200).Body.GetProperty("state").GetString() != "running", Ct, TimeSpan.FromSeconds(60));
        var done = (await admin.Get(job)).Is(200).Body;
        Assert.Equal("done", done.GetProperty("state").GetString());
        return done.GetProperty("result");
    }

    private static int Count(JsonElement report, string name) => report.GetProperty(name).GetInt32();

    private static async Task<string> CompanyAndSource(SignedInUser admin, Guid lead)
    {
        var body = (await admin.Get($"/leads/{lead}")).Is(200).Body;
        return $"{body.GetProperty("company").GetString()}/{body.GetProperty("source").GetString()}";
    }

    private Task<long> LastPosition() => One("select max(seq_id) from crm.mt_events");

    private Task<long> Reversals() => One("select count(*) from crm.mt_events where type = 'lead-changes-reversed'");

    private async Task<long> One(string sql)
    {
        await using var command = new NpgsqlCommand(sql, await host.Database.Superuser.OpenConnectionAsync(Ct));
        await using var connection = command.Connection;
        return (long)(await command.ExecuteScalarAsync(Ct) ?? 0L);
    }
}

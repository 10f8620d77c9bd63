using System.Globalization;
using System.Text.Json;
using Crm.Web.Tests.Cli;

namespace Crm.Web.Tests.Operations;

public class Finding_where_damage_began(TestHost host) : IClassFixture<TestHost>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task tells_who_did_what_and_from_when_on()
    {
        var (admin, bad) = (await host.Admin(), await host.Register("manager"));
        var lead = (await admin.Post("/leads", """{"lastName":"x","company":"Ltd"}""")).Is(201).Id;
        var from = await RecordedAt(admin, lead);
        var first = (await bad.Patch($"/leads/{lead}", """{"company":"Wrong"}""")).Is(200).Position;
        var last = (await bad.Post($"/leads/{lead}/archive", """{"reason":"spite"}""")).Is(200).Position;

        var body = (await admin.GetAfter(last, $"/audit/diff?from={Escaped(from)}&leadId={lead}")).Is(200).Body;

        var diff = body.GetProperty("diff");
        var theirs = Line(diff, "byActor", "actor", bad.Id.ToString());
        Assert.Equal((2, 1, first), (Number(theirs, "events"), Number(theirs, "streams"), theirs.GetProperty("firstPosition").GetInt64()));
        Assert.Equal(1, Number(Line(diff, "byType", "type", "lead-archived"), "streams"));
        Assert.Equal("lead-company-changed", Line(diff, "byActorAndType", "actor", bad.Id.ToString()).GetProperty("type").GetString());
        Assert.Equal(Number(diff, "events"), diff.GetProperty("byHour").EnumerateArray().Sum(hour => Number(hour, "events")));
        Assert.Equal(
            ["archived: false → true", "company: \"Ltd\" → \"Wrong\""],
            body.GetProperty("lead").EnumerateArray().Select(change =>
                $"{change.GetProperty("field").GetString()}: {Raw(change, "from")} → {Raw(change, "to")}"));

        var onlyTheirs = (await admin.Get($"/audit/diff?from={Escaped(from)}&actor={bad.Id}")).Is(200).Body.GetProperty("diff");
        Assert.Equal(2, Number(onlyTheirs, "events"));
    }

    [Fact]
    public async Task is_asked_for_a_window_that_there_is()
    {
        var admin = await host.Admin();
        (await admin.Get("/audit/diff")).IsRefused(400, "invalid-parameter");
        (await admin.Get("/audit/diff?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z")).IsRefused(400, "invalid-parameter");
        (await (await host.As("agent")).Get("/audit/diff?from=2026-01-02T00:00:00Z")).IsRefused(403, "forbidden");
        Assert.Equal(2, (await CrmProcess.Run(host.Database, Ct, "diff", "--from", "yesterday")).ExitCode);
    }

    [Fact]
    public async Task leads_to_a_lead_being_put_back_to_before_it()
    {
        var (admin, bad) = (await host.Admin(), await host.Register("manager"));
        var lead = (await admin.Post("/leads", """{"lastName":"x","company":"Ltd"}""")).Is(201).Id;
        var before = await RecordedAt(admin, lead);
        var position = (await bad.Patch($"/leads/{lead}", """{"company":"Wrong"}""")).Is(200).Position;
        (await admin.GetAfter(position, $"/audit/events?actor={bad.Id}")).Is(200);

        var (code, told, error) = await CrmProcess.Run(host.Database, Ct, "diff", "--from", before, "--actor", bad.Id.ToString(), "--json");
        Assert.True(code == 0, error);
        Assert.Equal(1, Number(JsonDocument.Parse(told).RootElement.GetProperty("diff"), "events"));

        string[] restore =
            ["leads", "restore", lead.ToString(), Guid.NewGuid().ToString(), "--as-of", before, "--reason", "damage", "--json"];
        var dry = JsonDocument.Parse((await CrmProcess.Run(host.Database, Ct, [.. restore, "--dry-run"])).Output).RootElement;
        Assert.Equal("Wrong", await Company(admin, lead));
        var (partly, output, _) = await CrmProcess.Run(host.Database, Ct, restore);

        var done = JsonDocument.Parse(output).RootElement;
        Assert.Equal((4, 1, 1), (partly, Number(dry, "restored"), Number(done, "restored")));
        Assert.Equal("There is no such lead.", done.GetProperty("items")[1].GetProperty("why").GetString());
        Assert.Equal("Ltd", await Company(admin, lead));
        Assert.Equal(4, (await CrmProcess.Run(host.Database, Ct, restore)).ExitCode);
        var types = (await admin.Get($"/leads/{lead}/history")).Items.Select(item => item.GetProperty("type").GetString());
        Assert.Equal(3, types.Count(type => type != "lead-score-changed"));
    }

    private static async Task<string?> Company(SignedInUser admin, Guid lead) =>
        (await admin.Get($"/leads/{lead}")).Is(200).Body.GetProperty("company").GetString();

    private static async Task<string> RecordedAt(SignedInUser admin, Guid lead) =>
        (await admin.Get($"/leads/{lead}/history")).Is(200).Items[^1].GetProperty("recordedAt").GetDateTimeOffset().AddMicroseconds(1)
            .UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private static string Raw(JsonElement change, string name) => change.GetProperty(name).GetRawText();

    private static string Escaped(string time) => Uri.EscapeDataString(time);

    private static JsonElement Line(JsonElement diff, string breakdown, string name, string value) =>
        diff.GetProperty(breakdown).EnumerateArray().First(line => line.GetProperty(name).GetString() == value);

    private static int Number(JsonElement line, string name) => line.GetProperty(name).GetInt32();
}

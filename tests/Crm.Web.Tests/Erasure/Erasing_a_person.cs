using System.Globalization;
using System.Text.Json;
using Crm.EventStore.Audit;
using Crm.Testing;

namespace Crm.Web.Tests.Erasure;

public sealed class Erasing_a_person(TestHost host) : IClassFixture<TestHost>
{
    private const string ByLetter = """{"reason":"Article 17","requestedBy":"the person, by letter"}""";

    private static int persons;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task leaves_the_lead_with_its_status_owner_value_source_and_dates()
    {
        var admin = await host.Admin();
        var (id, mark) = await Known(admin);
        var before = (await admin.Get($"/leads/{id}")).Is(200).Body;

        var answer = (await admin.Post($"/leads/{id}/erase", ByLetter)).Is(200);
        Assert.Equal(["lead-erased"], answer.Events);

        var lead = (await admin.Get($"/leads/{id}")).Is(200);
        Assert.DoesNotContain(mark, lead.Text, StringComparison.OrdinalIgnoreCase);
        Assert.True(lead.Body.GetProperty("erased").GetBoolean());
        foreach (var stays in new[] { "status", "ownerId", "value", "source", "score", "createdAt", "contactedAt", "activityCount", "noteCount" })
        {
            Assert.Equal(before.GetProperty(stays).GetRawText(), lead.Body.GetProperty(stays).GetRawText());
        }

        foreach (var goes in new[] { "firstName", "lastName", "email", "phone", "company", "externalId" })
        {
            Assert.NotEqual(JsonValueKind.Null, before.GetProperty(goes).ValueKind);
            Assert.Equal(JsonValueKind.Null, lead.Body.GetProperty(goes).ValueKind);
        }

        Assert.Empty(lead.Body.GetProperty("tags").EnumerateArray());

        // As it stood earlier it is there too, and as much without the person.
        var earlier = (await admin.Get($"/leads/{id}?version=1")).Is(200);
        Assert.True(earlier.Body.GetProperty("erased").GetBoolean());
        Assert.DoesNotContain(mark, earlier.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task leaves_its_history_flagged_and_without_a_word_of_the_person()
    {
        var admin = await host.Admin();
        var (id, mark) = await Known(admin);
        var first = (await admin.Get($"/leads/{id}/history")).Is(200).Items[0].GetProperty("position").GetInt64();
        Assert.Contains(mark, (await admin.Get($"/events?after={first - 1}&limit=100")).Is(200).Text, StringComparison.Ordinal);
        var erased = (await admin.Post($"/leads/{id}/erase", ByLetter)).Is(200);

        foreach (var path in new[] { "history", "timeline" })
        {
            var told = (await admin.GetAfter(erased.Position, $"/leads/{id}/{path}")).Is(200);
            Assert.DoesNotContain(mark, told.Text, StringComparison.OrdinalIgnoreCase);
            Assert.Equal(erased.Body.GetProperty("version").GetInt64(), told.Items.Count);
            Assert.True(told.Items[0].GetProperty("erased").GetBoolean());
            Assert.False(told.Items[^1].GetProperty("erased").GetBoolean());
            Assert.Contains("the person, by letter", told.Items[^1].GetRawText(), StringComparison.Ordinal);
        }

        var audit = (await admin.GetAfter(erased.Position, $"/audit/events?streamId={id}&limit=200")).Is(200);
        Assert.DoesNotContain(mark, audit.Text, StringComparison.OrdinalIgnoreCase);
        Assert.True(audit.Items[^1].GetProperty("erased").GetBoolean());
        Assert.Equal("Article 17", audit.Items[0].GetProperty("reason").GetString());

        var feed = (await admin.Get($"/events?after={first - 1}&limit=100")).Is(200);
        Assert.DoesNotContain(mark, feed.Text, StringComparison.OrdinalIgnoreCase);
        Assert.True(feed.Items[0].GetProperty("erased").GetBoolean());
    }

    [Fact]
    public async Task takes_it_out_of_lists_searches_and_exports_at_every_moment()
    {
        var admin = await host.Admin();
        var (id, mark) = await Known(admin);
        var asOf = Uri.EscapeDataString((await admin.Get($"/leads/{id}")).Body.GetProperty("updatedAt").GetString()!); // every lead has it
        Assert.Single((await admin.GetAfter((await admin.Post("/leads", """{"lastName":"x"}""")).Position, $"/leads?q={mark}")).Is(200).Items);
        var erased = (await admin.Post($"/leads/{id}/erase", ByLetter)).Is(200);

        foreach (var query in new[] { $"q={mark}", $"tag={mark}", "archived=any&limit=200", $"asOf={asOf}&limit=200", $"asOfPosition={erased.Position - 1}&limit=200" })
        {
            var list = (await admin.GetAfter(erased.Position, $"/leads?{query}")).Is(200);
            Assert.DoesNotContain(id.ToString(), list.Text, StringComparison.Ordinal);
        }

        var export = (await admin.GetAfter(erased.Position, $"/leads/export?format=ndjson&asOf={asOf}&archived=any")).Is(200);
        Assert.DoesNotContain(id.ToString(), export.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task happens_once_and_nothing_happens_to_the_lead_after()
    {
        var admin = await host.Admin();
        var (id, _) = await Known(admin);
        var key = ("Idempotency-Key", $"erase-{id}");
        var first = (await admin.Post($"/leads/{id}/erase", ByLetter, key)).Is(200);
        Assert.Equal(first.Text, (await admin.Post($"/leads/{id}/erase", ByLetter, key)).Is(200).Text);

        (await admin.Post($"/leads/{id}/erase", ByLetter)).IsRefused(409, "erased");
        (await admin.Patch($"/leads/{id}", """{"lastName":"Back"}""")).IsRefused(409, "erased");
        (await admin.Post($"/leads/{id}/notes", """{"text":"She was here."}""")).IsRefused(409, "erased");
        (await admin.Post($"/leads/{id}/restore", """{"version":1}""")).IsRefused(409, "erased");
        (await admin.Post($"/leads/{id}/archive", "{}")).IsRefused(409, "erased");
        (await admin.Post($"/leads/{Guid.CreateVersion7()}/erase", ByLetter)).IsRefused(404, "not-found");
    }

    [Fact]
    public async Task gives_the_external_id_back()
    {
        var admin = await host.Admin();
        var (id, mark) = await Known(admin);
        var again = $$"""{"externalId":"K-{{mark}}"}""";
        (await admin.Post("/leads", again)).IsRefused(409, "duplicate-external-id");
        (await admin.Post($"/leads/{id}/erase", ByLetter)).Is(200);
        (await admin.Post("/leads", again)).Is(201);
    }

    [Theory]
    [InlineData("/reason", "NAME has written to us", "the person")]
    [InlineData("/requestedBy", "Article 17", "NAME, by letter")]
    [InlineData("/reason", "mail of NAME@example.com", "the person")]
    public async Task is_refused_where_a_text_that_is_kept_names_the_person(string pointer, string reason, string requestedBy)
    {
        var admin = await host.Admin();
        var (id, mark) = await Known(admin);
        var body = JsonSerializer.Serialize(new
        {
            reason = reason.Replace("NAME", mark, StringComparison.Ordinal),
            requestedBy = requestedBy.Replace("NAME", mark.ToUpperInvariant(), StringComparison.Ordinal),
        });
        foreach (var dryRun in new[] { "", ",\"dryRun\":true" })
        {
            var refused = (await admin.Post($"/leads/{id}/erase", body[..^1] + dryRun + "}")).IsRefused(422, "names-the-person");
            Assert.Equal([(pointer, "names-the-person")], refused.Errors);
            Assert.DoesNotContain(mark, refused.Text, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task is_asked_of_admins_in_person_and_needs_both_texts()
    {
        var admin = await host.Admin();
        var (id, _) = await Known(admin);
        foreach (var role in new[] { "agent", "manager", "auditor", "ops" })
        {
            (await (await host.As(role)).Post($"/leads/{id}/erase", ByLetter)).Is(403);
        }

        Assert.Equal(
            [("/reason", "required"), ("/requestedBy", "required")], (await admin.Post($"/leads/{id}/erase", "{}")).IsRefused(422, "invalid").Errors);
    }

    [Fact]
    public async Task can_be_tried_out_and_then_takes_nothing()
    {
        var admin = await host.Admin();
        var (id, mark) = await Known(admin);
        var last = (await admin.Get($"/leads/{id}/history")).Items[^1].GetProperty("position").GetInt64();
        (await admin.GetAfter(last, $"/audit/events?streamId={id}")).Is(200);
        (await admin.GetAfter(last, $"/leads/{id}/timeline")).Is(200);

        var tried = (await admin.Post($"/leads/{id}/erase", ByLetter[..^1] + ",\"dryRun\":true}")).Is(200).Body;
        Assert.True(tried.GetProperty("dryRun").GetBoolean());
        var counts = tried.GetProperty("places").EnumerateArray()
            .ToDictionary(place => place.GetProperty("place").GetString() ?? "", place => place.GetProperty("count").GetInt64());
        Assert.Equal((1, 1), (counts["keys"], counts["unique keys"]));
        Assert.Equal(tried.GetProperty("version").GetInt64(), counts["read model audit_trail"]);
        Assert.InRange(counts["log"], 4, tried.GetProperty("version").GetInt64());

        Assert.Contains(mark, (await admin.Get($"/leads/{id}")).Is(200).Text, StringComparison.Ordinal);
        (await admin.Get($"/leads/{id}/erasure")).IsRefused(409, "not-erased");
    }

    [Fact]
    public async Task is_certified_by_what_the_database_holds_at_that_moment()
    {
        var admin = await host.Admin();
        var auditor = await host.As("auditor");
        var (id, mark) = await Known(admin);
        var erased = (await admin.Post($"/leads/{id}/erase", ByLetter)).Is(200);
        JsonElement certificate = default;
        await Eventually.IsTrue(
            async () =>
            {
                certificate = (await auditor.Get($"/leads/{id}/erasure")).Is(200).Body;
                return certificate.GetProperty("verified").GetBoolean();
            },
            Ct);
        Assert.Equal(erased.Position, certificate.GetProperty("position").GetInt64());
        Assert.Equal("the person, by letter", certificate.GetProperty("requestedBy").GetString());
        Assert.Equal(admin.Id.ToString(), certificate.GetProperty("erasedBy").GetString());
        Assert.NotEqual(JsonValueKind.Null, certificate.GetProperty("keyDestroyedAt").ValueKind);
        Assert.All(certificate.GetProperty("places").EnumerateArray(), place => Assert.True(place.GetProperty("isClean").GetBoolean(), place.GetRawText()));

        // Signed by the key whose public half anybody gets who may audit.
        var note = SignedNote.Parse(certificate.GetProperty("note").GetString() ?? "");
        var keys = (await auditor.Get("/audit/key")).Is(200).Items.Select(key => NoteKey.Parse(key.GetProperty("vkey").GetString() ?? ""));
        Assert.True(note.IsSignedBy(keys));
        Assert.Contains($"lead {id}\n", note.Text, StringComparison.Ordinal);
        Assert.Contains("verified true\n", note.Text, StringComparison.Ordinal);

        var page = (await auditor.Get($"/leads/{id}/erasure", ("Accept", "text/html"))).Is(200);
        Assert.StartsWith("text/html", page.Header("Content-Type"), StringComparison.Ordinal);
        Assert.Contains("yes: nothing of the person stood in any of these places", page.Text, StringComparison.Ordinal);

        // What comes back by whatever hand is seen by the next look.
        await using var hand = host.Database.Superuser.CreateCommand(
            $"update crm_read.lead_timeline set sentence = 'Captured {mark}.' where lead_id = '{id}' and version = 1");
        await hand.ExecuteNonQueryAsync(Ct);
        var spoilt = (await auditor.Get($"/leads/{id}/erasure")).Is(200).Body;
        Assert.False(spoilt.GetProperty("verified").GetBoolean());
        Assert.Equal(
            ["read model lead_timeline"],
            spoilt.GetProperty("places").EnumerateArray().Where(place => !place.GetProperty("isClean").GetBoolean())
                .Select(place => place.GetProperty("place").GetString()));
    }

    [Fact]
    public async Task is_recorded_where_somebody_looks_at_what_it_left()
    {
        var admin = await host.Admin();
        var agent = await host.As("agent");
        var id = await agent.Captured();
        (await admin.Post($"/leads/{id}/erase", """{"reason":"Article 17","requestedBy":"the person"}""")).Is(200);
        (await agent.Get($"/leads/{id}")).Is(200);

        var looks = (await admin.GetAfter(await Last(), "/audit/events?type=sensitive-read&limit=200")).Is(200).Items
            .Where(look => look.GetRawText().Contains(id.ToString(), StringComparison.Ordinal)).ToList();
        Assert.Equal(agent.Id.ToString(), Assert.Single(looks).GetProperty("actor").GetString());
        Assert.Contains("erased-lead", looks[0].GetRawText(), StringComparison.Ordinal);
    }

    private async Task<long> Last()
    {
        await using var last = host.Database.Superuser.CreateCommand("select max(seq_id) from crm.mt_events");
        return (long)(await last.ExecuteScalarAsync(Ct) ?? 0L);
    }

    /// <summary>A lead of whom much is known, each text with a mark of its own.</summary>
    private static async Task<(Guid Id, string Mark)> Known(SignedInUser admin)
    {
        var mark = "Mark" + string.Create(CultureInfo.InvariantCulture, $"{Interlocked.Increment(ref persons):D4}") + "sdottir";
        var id = await admin.Captured(
            $$"""
            {"firstName":"F{{mark}}","lastName":"{{mark}}","email":"{{mark}}@example.com","phone":"+44 20 7946 {{mark[4..8]}}","company":"{{mark}} Ltd",
             "source":"referral","value":{"amount":1200,"currency":"EUR"},"tags":["{{mark}}"],"externalId":"K-{{mark}}"}
            """);
        var call = $$"""{"kind":"call","direction":"out","at":"2026-01-01T00:00:00Z","subject":"s {{mark}}","notes":"n {{mark}}","outcome":"o {{mark}}"}""";
        (await admin.Post($"/leads/{id}/activities", call)).Is(200);
        (await admin.Post($"/leads/{id}/notes", $$"""{"text":"{{mark}} likes tea."}""")).Is(200);
        (await admin.Post($"/leads/{id}/disqualify", $$"""{"reason":"{{mark}} will not buy."}""")).Is(200);
        return (id, mark);
    }
}

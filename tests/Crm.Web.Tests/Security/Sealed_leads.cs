using Crm.Testing;

namespace Crm.Web.Tests.Security;

public class Sealed_leads(TestHost host) : IClassFixture<TestHost>
{
    private const string Mark = "Zylophonia";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task are_read_over_HTTP_and_stand_nowhere_in_the_log_in_plain()
    {
        var admin = await host.Admin();
        var lead = (await admin.Post(
            "/leads",
            $$"""
            {"firstName":"{{Mark}}","lastName":"{{Mark}}","email":"{{Mark}}@example.com","phone":"+44 {{Mark}}","company":"{{Mark}} Ltd",
             "source":"referral","tags":["{{Mark}}"],"externalId":"{{Mark}}-1"}
            """,
            ("Idempotency-Key", Guid.NewGuid().ToString()))).Is(201).Id;
        (await admin.Post($"/leads/{lead}/notes", $$"""{"text":"{{Mark}} called"}""")).Is(200);
        (await admin.Post(
            $"/leads/{lead}/activities",
            $$"""
            {"kind":"call","direction":"out","at":"2026-01-02T10:00:00Z","subject":"{{Mark}}","notes":"{{Mark}}","outcome":"{{Mark}}"}
            """)).Is(200);
        (await admin.Post($"/leads/{lead}/archive", $$"""{"reason":"{{Mark}} asked"}""")).Is(200);

        var history = (await admin.Get($"/leads/{lead}/history")).Is(200);
        Assert.Equal("Zylophonia called", history.Items[1].GetProperty("data").GetProperty("text").GetString());
        (await admin.Post($"/leads/{lead}/unarchive", """{"reason":"again"}""")).Is(200);
        Assert.Equal(Mark, (await admin.Get($"/leads/{lead}")).Is(200).Body.GetProperty("lastName").GetString());
        foreach (var table in new[] { "mt_events", "mt_streams", "receipts", "parked", "bookmarks", "jobs", "subject_keys" })
        {
            Assert.DoesNotContain(Mark, await Rows(table), StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task whose_key_is_lost_fail_loudly_and_alone()
    {
        await using var own = new TestHost();
        await own.InitializeAsync();
        var admin = await own.Admin();
        var lost = (await admin.Post("/leads", $$"""{"lastName":"{{Mark}}"}""")).Is(201).Id;
        var kept = (await admin.Post("/leads", """{"lastName":"Kept"}""")).Is(201).Id;
        await using (var lose = own.Database.Superuser.CreateCommand("delete from crm.subject_keys where stream_id = $1"))
        {
            lose.Parameters.Add(new() { Value = lost });
            await lose.ExecuteNonQueryAsync(Ct);
        }

        (await admin.Get($"/leads/{lost}")).IsRefused(500, "key-missing");
        (await admin.Post($"/leads/{lost}/notes", $$"""{"text":"{{Mark}} again"}""")).IsRefused(500, "key-missing");
        (await admin.Get($"/leads/{kept}")).Is(200);
        (await admin.Post($"/leads/{kept}/notes", """{"text":"more"}""")).Is(200);
        Assert.All(own.Log.Lines, static line => Assert.DoesNotContain(Mark, line, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task whose_key_is_lost_can_be_erased_all_the_same()
    {
        await using var own = new TestHost();
        await own.InitializeAsync();
        var admin = await own.Admin();
        var lost = (await admin.Post("/leads", $$"""{"lastName":"{{Mark}}","externalId":"K-1"}""")).Is(201).Id;
        await using (var lose = own.Database.Superuser.CreateCommand("delete from crm.subject_keys where stream_id = $1"))
        {
            lose.Parameters.Add(new() { Value = lost });
            await lose.ExecuteNonQueryAsync(Ct);
        }

        const string Asked = "\"reason\":\"Article 17\",\"requestedBy\":\"the person\"";
        var tried = (await admin.Post($"/leads/{lost}/erase", $"{{{Asked},\"dryRun\":true}}")).Is(200).Body;
        Assert.True(tried.GetProperty("dryRun").GetBoolean());
        (await admin.Post($"/leads/{lost}/erase", $"{{{Asked}}}")).Is(200);

        System.Text.Json.JsonElement certificate = default;
        await Eventually.IsTrue(
            async () =>
            {
                certificate = (await admin.Get($"/leads/{lost}/erasure")).Is(200).Body;
                return certificate.GetProperty("verified").GetBoolean();
            },
            Ct);
        Assert.True(certificate.GetProperty("keyWasLost").GetBoolean());
        Assert.NotEqual(System.Text.Json.JsonValueKind.Null, certificate.GetProperty("keyDestroyedAt").ValueKind);
        Assert.Contains("key-was-lost true\n", certificate.GetProperty("note").GetString(), StringComparison.Ordinal);
        Assert.True((await admin.Get($"/leads/{lost}")).Is(200).Body.GetProperty("erased").GetBoolean());
        (await admin.Post($"/leads/{lost}/erase", $"{{{Asked}}}")).IsRefused(409, "erased");
        (await admin.Post("/leads", """{"externalId":"K-1"}""")).Is(201);
    }

    [Fact]
    public async Task need_the_master_key_that_sealed_them_before_a_host_even_starts()
    {
        await using var own = await TestDatabase.Create();
        await using (var first = TestHost.Beside(own))
        {
            (await (await first.Admin()).Post("/leads", """{"lastName":"x"}""")).Is(201);
        }

        var other = Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        await using (var wrong = TestHost.Beside(own, ("CRM_MASTER_KEY", other)))
        {
            var refused = Assert.ThrowsAny<Exception>(() => wrong.CreateClient());
            Assert.DoesNotContain(other, refused.ToString(), StringComparison.Ordinal);
        }

        // The next key in front, the old one still there: such a host reads and writes.
        await using var both = TestHost.Beside(own, ("CRM_MASTER_KEY", $"{other} {TestKeys.Text}"));
        var admin = await both.Admin();
        (await admin.Post("/leads", """{"lastName":"y"}""")).Is(201);
    }

    private async Task<string> Rows(string table)
    {
        await using var all = host.Database.Superuser.CreateCommand($"select coalesce(string_agg(t::text, E'\n'), '') from crm.{table} t");
        return (string)(await all.ExecuteScalarAsync(Ct) ?? "");
    }
}

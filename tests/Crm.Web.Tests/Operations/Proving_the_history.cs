using System.Text;
using System.Text.Json;
using Crm.EventStore.Audit;
using Crm.Testing;
using Crm.Web.Audit;

namespace Crm.Web.Tests.Operations;

/// <summary>Over HTTP, with nothing but what a client gets: keys, heads, proofs.</summary>
public sealed class Proving_the_history(TestHost host) : IClassFixture<TestHost>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task needs_nothing_but_the_key_and_a_head()
    {
        var admin = await host.Admin();
        var lead = await admin.Captured();
        var position = (await admin.Post($"/leads/{lead}/claim")).Is(200).Position;
        var key = await Key(admin);
        var head = await Signed(admin, key);
        Assert.True(head.Size >= position);

        var inclusion = (await admin.Get($"/audit/proof/{position}?size={head.Size}")).Is(200).Body;
        var leaf = inclusion.GetProperty("leaf").GetString() ?? "";
        Assert.Equal(leaf, Encoding.UTF8.GetString(CanonicalJson.Of(Encoding.UTF8.GetBytes(leaf))));
        Assert.Contains($"\"stream\":\"{lead}\",", leaf, StringComparison.Ordinal);
        var hash = MerkleTree.LeafHash(Encoding.UTF8.GetBytes(leaf));
        Assert.Equal(Convert.ToBase64String(hash), inclusion.GetProperty("leafHash").GetString());
        Assert.True(MerkleProof.IncludesLeaf(hash, position - 1, head.Size, Proof(inclusion), head.Root));

        await admin.Captured();
        var later = await Signed(admin, key);
        Assert.True(later.Size > head.Size);
        var consistency = (await admin.Get($"/audit/consistency?first={head.Size}&second={later.Size}")).Is(200).Body;
        Assert.True(MerkleProof.IsConsistent(head.Size, later.Size, Proof(consistency), head.Root, later.Root));
        Assert.Equal(Convert.ToBase64String(head.Root), consistency.GetProperty("firstRoot").GetString());
    }

    [Fact]
    public async Task shows_the_last_head_as_a_note_and_as_JSON()
    {
        var admin = await host.Admin();
        var head = await Signed(admin, await Key(admin));
        var note = (await admin.Get("/audit/checkpoint")).Is(200);
        Assert.Equal("text/plain", note.Message.Content.Headers.ContentType?.MediaType);
        var json = (await admin.Get("/audit/checkpoint", ("Accept", "application/json"))).Is(200).Body;
        Assert.Equal(json.GetProperty("note").GetString(), note.Text);
        Assert.True(json.GetProperty("size").GetInt64() >= head.Size);
        Assert.Equal(head.Origin, json.GetProperty("origin").GetString());
    }

    [Fact]
    public async Task by_itself_keeps_up_with_the_log()
    {
        var admin = await host.Admin();
        var position = (await admin.Post("/leads", """{"lastName":"Hopper"}""")).Is(201).Position;
        await Eventually.IsTrue(async () => (await new AuditTree(host.Database.App).Progress(Ct)).Size >= position, Ct);
        var metrics = (await admin.Get("/metrics")).Is(200).Text;
        Assert.All(
            ["crm_audit_tree_size", "crm_audit_lag", "crm_audit_verified_at_seconds", "crm_audit_sound"],
            name => Assert.Contains(name, metrics, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/audit/proof/0", 404, "not-found")]
    [InlineData("/audit/proof/-1", 404, "not-found")]
    [InlineData("/audit/proof/999999999", 404, "not-found")]
    [InlineData("/audit/proof/2?size=1", 404, "not-found")]
    [InlineData("/audit/proof/1?size=999999999", 400, "invalid-parameter")]
    [InlineData("/audit/proof/1?size=0", 400, "invalid-parameter")]
    [InlineData("/audit/consistency", 400, "invalid-parameter")]
    [InlineData("/audit/consistency?first=0&second=1", 400, "invalid-parameter")]
    [InlineData("/audit/consistency?first=2&second=1", 400, "invalid-parameter")]
    [InlineData("/audit/consistency?first=1&second=999999999", 400, "invalid-parameter")]
    public async Task refuses_sizes_that_are_none(string path, int status, string code) =>
        (await (await host.Admin()).Get(path)).IsRefused(status, code);

    [Fact]
    public async Task found_altered_is_told_by_health_and_in_the_log()
    {
        await using var own = new TestHost();
        await own.InitializeAsync();
        var admin = await own.Admin();
        await admin.Captured();
        (await admin.Post("/ops/audit/head")).Is(200);
        var watch = own.Services.GetServices<IHostedService>().OfType<AuditWatch>().Single();
        Assert.True((await watch.VerifyIfDue(Ct))?.Sound);
        Assert.Null(await watch.VerifyIfDue(Ct));
        Assert.Equal((await AuditVerifications.Status(own.Database.App, Ct)).Sound, true);

        const string backdate = "update crm.mt_events set timestamp = timestamp - interval '1 day' where seq_id = 2";
        await using (var tamper = own.Database.Superuser.CreateCommand(backdate))
        {
            await tamper.ExecuteNonQueryAsync(Ct);
        }

        own.Clock.Move(TimeSpan.FromHours(25));
        var report = await watch.VerifyIfDue(Ct);
        Assert.Contains(report?.Findings ?? [], static finding => finding is { Kind: FindingKind.Changed, Position: 2 });
        var health = await own.CreateClient().Send(HttpMethod.Get, "/health", json: null);
        Assert.Equal("degraded", health.Is(200).Body.GetProperty("status").GetString());
        Assert.False(health.Body.GetProperty("audit").GetProperty("sound").GetBoolean());
        Assert.Contains(own.Log.Lines, static line => line.Contains("THE HISTORY IS NOT WHAT WAS SIGNED", StringComparison.Ordinal));
    }

    [Fact]
    public async Task that_was_lost_is_not_begun_anew_by_a_running_host()
    {
        await using var own = new TestHost();
        await own.InitializeAsync();
        var admin = await own.Admin();
        await admin.Captured();
        (await admin.Post("/ops/audit/head")).Is(200);
        var watch = own.Services.GetServices<IHostedService>().OfType<AuditWatch>().Single();
        Assert.True((await watch.VerifyIfDue(Ct))?.Sound);
        const string forge =
            """
            update crm.mt_events set timestamp = timestamp - interval '1 day' where seq_id = 2;
            delete from crm.audit_tiles; delete from crm.audit_heads
            """;
        await using (var tamper = own.Database.Superuser.CreateCommand(forge))
        {
            await tamper.ExecuteNonQueryAsync(Ct);
        }

        await admin.Captured();
        await Eventually.IsTrue(async () => await AuditError(own) is not null, Ct);
        Assert.Contains("when it was verified", await AuditError(own), StringComparison.Ordinal);
        (await admin.Post("/ops/audit/head")).IsRefused(500, "audit-tree-broken");
        (await admin.Get("/audit/checkpoint")).IsRefused(500, "audit-tree-broken");
        var tree = new AuditTree(own.Database.App);
        Assert.Equal(0, (await tree.Progress(Ct)).Size);
        Assert.Null(await tree.LastHead(Ct));
        own.Clock.Move(TimeSpan.FromHours(25));
        Assert.Contains(
            (await watch.VerifyIfDue(Ct))?.Findings ?? [], static finding => finding is { Kind: FindingKind.Verified, Position: 1 });
    }

    [Fact]
    public async Task brings_each_head_to_a_file_once_and_in_order()
    {
        var folder = Directory.CreateTempSubdirectory("crm-heads-");
        try
        {
            var file = Path.Combine(folder.FullName, "heads");
            await using var database = await TestDatabase.Create();
            await using var own = TestHost.Beside(database, ("Crm:Audit:HeadsTo:0", file));
            var admin = await own.Admin();
            (await admin.Post("/ops/audit/head")).Is(200);
            await admin.Captured();
            var second = (await admin.Post("/ops/audit/head")).Is(200).Body.GetProperty("note").GetString();
            var delivery = own.Services.GetServices<IHostedService>().OfType<HeadDelivery>().Single();
            await delivery.StopAsync(Ct);
            await delivery.Deliver(file, Ct);
            await delivery.Deliver(file, Ct);
            var lines = await File.ReadAllLinesAsync(file, Ct);
            Assert.Equal(lines.Length, lines.Distinct(StringComparer.Ordinal).Count());
            Assert.Equal(second, JsonDocument.Parse(lines[^1]).RootElement.GetProperty("note").GetString());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task goes_on_under_the_next_key_and_keeps_the_old_one()
    {
        await using var own = new TestHost();
        await own.InitializeAsync();
        var admin = await own.Admin();
        var before = await Key(admin);
        var head = await Signed(admin, before);
        var next = await own.Services.GetRequiredService<AuditSigning>().Rotate(Ct);
        await admin.Captured();
        var later = await Signed(admin, next);
        Assert.Equal(head.Origin, later.Origin);
        Assert.Equal(
            [next.ToString(), before.ToString()],
            (await admin.Get("/audit/key")).Is(200).Items.Select(static item => item.GetProperty("vkey").GetString()));
        Assert.True((await new LogVerification(own.Database.App).Run(progress: null, Ct)).Sound);
    }

    private static async Task<string?> AuditError(TestHost own)
    {
        var health = (await own.CreateClient().Send(HttpMethod.Get, "/health", json: null)).Is(200).Body;
        var error = health.GetProperty("audit").GetProperty("error").GetString();
        Assert.True(error is null || health.GetProperty("status").GetString() == "degraded");
        return error;
    }

    private static async Task<NoteKey> Key(SignedInUser admin) =>
        NoteKey.Parse((await admin.Get("/audit/key")).Is(200).Items[0].GetProperty("vkey").GetString() ?? "");

    private static async Task<TreeHead> Signed(SignedInUser admin, NoteKey key)
    {
        var note = SignedNote.Parse((await admin.Post("/ops/audit/head")).Is(200).Body.GetProperty("note").GetString() ?? "");
        Assert.True(note.IsSignedBy(key));
        return TreeHead.Parse(note.Text);
    }

    private static List<byte[]> Proof(JsonElement body) =>
        [.. body.GetProperty("proof").EnumerateArray().Select(static hash => hash.GetBytesFromBase64())];
}

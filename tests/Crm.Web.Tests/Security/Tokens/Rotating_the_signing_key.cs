using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Crm.EventStore.Log;
using Crm.EventStore.Sealing;
using Crm.Testing;
using Crm.Web.Security;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.Web.Tests.Security.Tokens;

public sealed class Rotating_the_signing_key(TestHost host) : IClassFixture<TestHost>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task signs_nobody_out_and_retires_the_old_key_after_its_last_token()
    {
        await using var own = await Own();
        var agent = await own.Host.Register("agent");
        var before = KidOf(agent.AccessToken);
        var next = (await (await own.Host.Admin()).Post("/ops/signing-keys/rotate")).Is(201).Body;

        // Made, but not in use: other hosts may not know it yet.
        Assert.Equal(before, KidOf((await Renewed(own.Host, agent.RefreshToken)).Access));

        own.Host.Clock.Move(TimeSpan.FromSeconds(61));
        var later = await own.Host.SignIn(agent.Email, TestHost.UserPassword);
        Assert.Equal(next.GetProperty("kid").GetString(), KidOf(later.AccessToken));
        Assert.NotEqual(before, KidOf(later.AccessToken));
        Assert.Equal(HttpStatusCode.OK, await StatusOfMe(own.Host, agent.AccessToken));

        // To the end of the longest-lived token that the old key can have signed, it counts; then it does not, whatever a token says.
        var old = await Key(own.Host, before);
        var endless = Signed(own.Host, agent, old, own.Host.Clock.GetUtcNow().AddDays(1));
        Assert.Equal(HttpStatusCode.OK, await StatusOfMe(own.Host, endless));
        own.Host.Clock.Move(TimeSpan.FromMinutes(16));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusOfMe(own.Host, Signed(own.Host, agent, old, own.Host.Clock.GetUtcNow().AddDays(1))));
        await Eventually.IsTrue(
            async () => await StatusOfMe(own.Host, endless) == HttpStatusCode.Unauthorized, Ct, TimeSpan.FromSeconds(5), "remembered tokens end with their key");
    }

    [Fact]
    public async Task at_once_ends_every_token_of_a_key_that_somebody_may_have()
    {
        await using var own = await Own();
        var agent = await own.Host.Register("agent");
        var admin = await own.Host.Admin();
        var stolen = KidOf(agent.AccessToken);
        var next = (await admin.Post($"/ops/signing-keys/{stolen}/withdraw")).Is(200).Body.GetProperty("kid").GetString();
        await Eventually.IsTrue(
            async () => await StatusOfMe(own.Host, agent.AccessToken) == HttpStatusCode.Unauthorized, Ct, TimeSpan.FromSeconds(5),
            "remembered tokens end with their key");

        var again = await own.Host.SignIn(TestHost.AdminEmail, TestHost.AdminPassword);
        Assert.Equal(next, KidOf(again.AccessToken));
        Assert.Equal(next, KidOf((await Renewed(own.Host, agent.RefreshToken)).Access));
        (await again.Post($"/ops/signing-keys/{stolen}/withdraw")).IsRefused(404, "not-found");
        var told = (await again.Get("/audit/events?type=signing-key-withdrawn")).Is(200);
        Assert.Contains(stolen, told.Text, StringComparison.Ordinal);
        await using var left = own.Database.Superuser.CreateCommand("select count(*) from crm.signing_keys where kid = $1");
        left.Parameters.Add(new NpgsqlParameter<string> { TypedValue = stolen });
        Assert.Equal(0L, await left.ExecuteScalarAsync(Ct));
    }

    [Fact]
    public async Task reaches_a_host_that_did_not_hear_of_it()
    {
        await using var own = await Own(("Crm:Security:SigningKeyReload", "00:00:01"));
        await using var asleep = TestHost.Beside(own.Database, ("Crm:Security:SigningKeyReload", "01:00:00"));
        var agent = await own.Host.Register("agent");
        Assert.Equal(HttpStatusCode.OK, await StatusOfMe(asleep, agent.AccessToken));

        (await (await own.Host.Admin()).Post("/ops/signing-keys/rotate")).Is(201);
        own.Host.Clock.Move(TimeSpan.FromSeconds(6));
        asleep.Clock.Move(TimeSpan.FromSeconds(6));
        var later = await own.Host.SignIn(agent.Email, TestHost.UserPassword);
        Assert.NotEqual(KidOf(agent.AccessToken), KidOf(later.AccessToken));
        Assert.Equal(HttpStatusCode.OK, await StatusOfMe(asleep, later.AccessToken));
    }

    [Fact]
    public async Task does_not_let_invented_key_ids_become_queries()
    {
        await using var own = await Own(("Crm:Security:SigningKeyReload", "01:00:00"));
        var keys = own.Host.Services.GetRequiredService<SigningKeys>();
        await keys.Current(Ct);

        // Behind the host's back, so that only a look at the table can find it.
        using var hidden = SigningKey.Create();
        await using (var connection = await own.Database.App.OpenConnectionAsync(Ct))
        {
            await keys.Keep(hidden, own.Host.Clock.GetUtcNow(), own.Host.Clock.GetUtcNow(), connection, Ct);
        }

        var invented = await Task.WhenAll(Enumerable.Range(0, 500).Select(at => keys.Named($"invented-{at}", Ct).AsTask()));
        Assert.All(invented, Assert.Null);
        Assert.Null(await keys.Named(hidden.Kid, Ct));

        own.Host.Clock.Move(TimeSpan.FromSeconds(5));
        Assert.NotNull(await keys.Named(hidden.Kid, Ct));
    }

    [Fact]
    public async Task twenty_times_under_load_refuses_no_request()
    {
        await using var own = await Own(("Crm:Security:SigningKeyReload", "00:00:00.050"));
        var agents = new List<SignedInUser>();
        for (var number = 0; number < 4; number++)
        {
            agents.Add(await own.Host.Register("agent"));
        }

        var rotation = own.Host.Services.GetRequiredService<KeyRotation>();
        var keys = own.Host.Services.GetRequiredService<SigningKeys>();
        using var rotated = new CancellationTokenSource();
        var used = new HashSet<string>(StringComparer.Ordinal);
        var load = agents.Select(async agent =>
        {
            var (access, refresh) = (agent.AccessToken, agent.RefreshToken);
            var requests = 0;
            do
            {
                Assert.Equal(HttpStatusCode.OK, await StatusOfMe(own.Host, access));
                Assert.Equal(HttpStatusCode.OK, await StatusOfMe(own.Host, agent.AccessToken));
                (access, refresh) = await Renewed(own.Host, refresh);
                lock (used)
                {
                    used.Add(KidOf(access));
                }

                requests++;
            }
            while (!rotated.IsCancellationRequested);
            return requests;
        }).ToList();
        for (var number = 0; number < 20; number++)
        {
            var next = await rotation.Rotate(Envelope.System, Ct);
            await Eventually.IsTrue(async () => (await keys.Current(Ct)).Kid == next.Key.Kid, Ct);
        }

        await rotated.CancelAsync();
        Assert.All(await Task.WhenAll(load), requests => Assert.True(requests > 0));
        Assert.True(used.Count > 5, $"only {used.Count} keys signed");
    }

    [Fact]
    public async Task is_for_admins_has_one_effect_per_idempotency_key_and_is_recorded()
    {
        (await (await host.As("ops")).Post("/ops/signing-keys/rotate")).IsRefused(403, "forbidden");
        (await (await host.As("agent")).Get("/ops/signing-keys")).IsRefused(403, "forbidden");

        var admin = await host.Admin();
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        var first = (await admin.Post("/ops/signing-keys/rotate", json: null, key)).Is(201);
        var again = (await admin.Post("/ops/signing-keys/rotate", json: null, key)).Is(201);
        Assert.Equal("true", again.Header("Idempotent-Replayed"));
        Assert.Equal(first.Text, again.Text);

        var kid = first.Body.GetProperty("kid").GetString();
        var listed = (await admin.Get("/ops/signing-keys")).Is(200);
        Assert.Equal(kid, listed.Items[0].GetProperty("kid").GetString());
        Assert.DoesNotContain("private", listed.Text, StringComparison.OrdinalIgnoreCase);
        await using var fact = host.Database.App.CreateCommand(
            "select headers ->> 'actor' from crm.mt_events where type = 'signing-key-rotated' and data ->> 'kid' = $1");
        fact.Parameters.Add(new NpgsqlParameter<string> { TypedValue = kid ?? "" });
        Assert.Equal(admin.Id.ToString(), await fact.ExecuteScalarAsync(Ct));
    }

    [Fact]
    public async Task publishes_the_new_public_key_before_it_signs_and_no_private_one()
    {
        var admin = await host.Admin();
        var kid = (await admin.Post("/ops/signing-keys/rotate")).Is(201).Body.GetProperty("kid").GetString() ?? "";
        using var published = await host.CreateClient().GetAsync("/.well-known/jwks.json", Ct);
        Assert.Equal("public, max-age=30", published.Headers.CacheControl?.ToString());
        var text = await published.Content.ReadAsStringAsync(Ct);
        var read = JsonWebKeySet.Read(Encoding.UTF8.GetBytes(text));
        Assert.NotNull(read);
        Assert.Contains(kid, read.Keys);
        var jws = CompactJws.Parse(admin.AccessToken);
        Assert.NotNull(jws);
        Assert.True(jws.IsSignedBy(read[jws.Kid]));
        using var json = JsonDocument.Parse(text);
        Assert.All(
            json.RootElement.GetProperty("keys").EnumerateArray(),
            key => Assert.Equal(["kty", "crv", "x", "y", "kid", "alg", "use"], key.EnumerateObject().Select(member => member.Name)));
    }

    [Fact]
    public async Task keeps_private_keys_sealed_and_seals_those_that_are_not()
    {
        await using var database = await TestDatabase.Create();
        using var open = SigningKey.Create();
        await using (var insert = database.App.CreateCommand(
            "insert into crm.signing_keys (kid, private_pkcs8, public_spki, created_at, active_from) values ($1, $2, $3, now(), now())"))
        {
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = open.Kid });
            insert.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = open.ToPkcs8() });
            insert.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = open.ToSpki() });
            await insert.ExecuteNonQueryAsync(Ct);
        }

        var master = MasterKey.Of(RandomNumberGenerator.GetBytes(32));
        using (var keys = Keys(database, master))
        {
            Assert.Equal(open.Kid, (await keys.Current(Ct)).Kid);
        }

        await using (var text = database.App.CreateCommand("select string_agg(k::text, ' ') from crm.signing_keys k where sealed"))
        {
            var stored = (string)(await text.ExecuteScalarAsync(Ct) ?? "");
            Assert.Contains(open.Kid, stored, StringComparison.Ordinal);
            Assert.DoesNotContain(Convert.ToHexStringLower(open.ToPkcs8())[..60], stored, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(Convert.ToHexStringLower(PrivatePart(open)), stored, StringComparison.OrdinalIgnoreCase);
        }

        using (var keys = Keys(database, master))
        {
            Assert.Equal(open.Kid, (await keys.Current(Ct)).Kid);
        }

        using var others = Keys(database, MasterKey.Of(RandomNumberGenerator.GetBytes(32)));
        await Assert.ThrowsAsync<SealBrokenException>(async () => await others.Current(Ct));
    }

    [Fact]
    public async Task trusts_no_key_of_Development_in_Production()
    {
        await using var database = await TestDatabase.Create();
        var bytes = RandomNumberGenerator.GetBytes(32);
        using var development = Keys(database, MasterKey.Of(bytes));
        var made = await development.Current(Ct);
        using var production = Keys(database, MasterKey.Of(bytes, isProduction: true));
        Assert.NotEqual(made.Kid, (await production.Current(Ct)).Kid);
        Assert.Null(await production.Named(made.Kid, Ct));
    }

    [Fact]
    public async Task by_files_takes_the_tokens_of_the_file_before()
    {
        var folder = Directory.CreateTempSubdirectory("crm-keys-");
        try
        {
            using var old = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var @new = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var (oldFile, newFile) = (Path.Combine(folder.FullName, "old"), Path.Combine(folder.FullName, "new"));
            await File.WriteAllTextAsync(oldFile, old.ExportPkcs8PrivateKeyPem(), Ct);
            await File.WriteAllTextAsync(newFile, @new.ExportPkcs8PrivateKeyPem(), Ct);

            await using var own = await Own(("Crm:Security:SigningKeyFile", oldFile));
            var agent = await own.Host.Register("agent");
            await using var restarted = TestHost.Beside(
                own.Database, ("Crm:Security:SigningKeyFile", newFile), ("Crm:Security:PreviousKeyFiles:0", oldFile));
            Assert.Equal(HttpStatusCode.OK, await StatusOfMe(restarted, agent.AccessToken));
            var again = await restarted.SignIn(agent.Email, TestHost.UserPassword);
            Assert.NotEqual(KidOf(agent.AccessToken), KidOf(again.AccessToken));
            Assert.Equal(HttpStatusCode.Unauthorized, await StatusOfMe(own.Host, again.AccessToken));
            (await (await restarted.Admin()).Post("/ops/signing-keys/rotate")).IsRefused(409, "keys-from-files");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static SigningKeys Keys(TestDatabase database, MasterKey master) =>
        new(database.App, MasterKeys.Of(master), new SecurityOptions(), TimeProvider.System, NullLogger<SigningKeys>.Instance);

    private static byte[] PrivatePart(SigningKey key)
    {
        using var read = ECDsa.Create();
        read.ImportPkcs8PrivateKey(key.ToPkcs8(), out _);
        return read.ExportParameters(includePrivateParameters: true).D ?? [];
    }

    private static string KidOf(string token) => CompactJws.Parse(token)?.Kid ?? "";

    private static async Task<SigningKey> Key(TestHost on, string kid) =>
        await on.Services.GetRequiredService<SigningKeys>().Named(kid, Ct) ?? throw new InvalidOperationException("The key is not there.");

    private static string Signed(TestHost on, SignedInUser user, SigningKey key, DateTimeOffset until)
    {
        var jws = CompactJws.Parse(user.AccessToken) ?? throw new InvalidOperationException("It is no token.");
        var token = AccessToken.FromJson(jws.Payload, "crm", "crm-api") ?? throw new InvalidOperationException("It is not ours.");
        return on.Services.GetRequiredService<JwtTokens>().Write(token with { ExpiresAt = until }, key);
    }

    private static async Task<(string Access, string Refresh)> Renewed(TestHost on, string refreshToken)
    {
        using var answer = await on.CreateClient().PostAsJsonAsync("/api/v1/auth/refresh", new { refreshToken }, Ct);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var pair = await answer.Content.ReadFromJsonAsync<JsonElement>(Ct);
        return (pair.GetProperty("accessToken").GetString() ?? "", pair.GetProperty("refreshToken").GetString() ?? "");
    }

    private static async Task<HttpStatusCode> StatusOfMe(TestHost on, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/me");
        request.Headers.Add("Authorization", $"Bearer {token}");
        using var answer = await on.CreateClient().SendAsync(request, Ct);
        return answer.StatusCode;
    }

    private static async Task<OwnHost> Own(params (string Name, string Value)[] settings)
    {
        var database = await TestDatabase.Create();
        return new OwnHost(database, TestHost.Beside(database, settings));
    }

    /// <summary>A host on a database of its own, whose clock and keys a test may move.</summary>
    private sealed record OwnHost(TestDatabase Database, TestHost Host) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            await Database.DisposeAsync();
        }
    }
}

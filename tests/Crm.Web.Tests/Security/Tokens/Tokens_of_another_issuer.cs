using System.Net;
using Crm.Testing;
using Crm.Web.Security;
using Npgsql;

namespace Crm.Web.Tests.Security.Tokens;

public sealed class Tokens_of_another_issuer : IAsyncLifetime
{
    private static readonly string[] AllRoles = ["crm-agents", "crm-managers", "others"];

    private TestDatabase? database;
    private LocalIssuer? issuer;
    private TestHost? host;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private LocalIssuer Issuer => issuer ?? throw new InvalidOperationException("Not started.");

    private TestHost Host => host ?? throw new InvalidOperationException("Not started.");

    private DateTimeOffset Now => Host.Clock.GetUtcNow();

    public async ValueTask InitializeAsync()
    {
        (database, issuer) = (await TestDatabase.Create(), await LocalIssuer.Start());
        host = TestHost.Beside(database, issuer.Settings());
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Issuer.DisposeAsync();
        await (database?.DisposeAsync() ?? ValueTask.CompletedTask);
    }

    [Fact]
    public async Task are_taken_when_they_are_good_and_refused_for_every_single_fault()
    {
        var good = Issuer.Claims(Now);
        Assert.Equal(200, (await Me(Issuer.Token(good))).Status);
        Assert.Equal(200, (await Me(Issuer.Token(good, """{"alg":"ES256","kid":"ec"}""", "ec"))).Status);
        Assert.Equal(200, (await Me(Issuer.Token(Issuer.Claims(Now, ("aud", new[] { "another", LocalIssuer.Audience }))))).Status);
        Assert.Equal(200, (await Me(Issuer.Token(good, """{"alg":"RS256","kid":"rsa","typ":"at+jwt","x5t":"a-fingerprint"}"""))).Status);

        var token = Issuer.Token(good);
        var parts = token.Split('.');
        var others = Issuer.Token(Issuer.Claims(Now, ("roles", "crm-managers"))).Split('.');
        var faulty = new Dictionary<string, string>
        {
            ["none"] = Issuer.Token(good, """{"alg":"none","kid":"rsa"}""", "none"),
            ["no signature"] = Issuer.Token(good, with: "none"),
            ["a keyed hash under the public key"] = Issuer.Token(good, """{"alg":"HS256","kid":"rsa"}""", "pem"),
            ["ES256 under an RSA key"] = Issuer.Token(good, """{"alg":"ES256","kid":"rsa"}""", "ec"),
            ["RS256 under an EC key"] = Issuer.Token(good, """{"alg":"RS256","kid":"ec"}"""),
            ["RS512"] = Issuer.Token(good, """{"alg":"RS512","kid":"rsa"}"""),
            ["another key"] = Issuer.Token(good, """{"alg":"RS256","kid":"rsa"}""", "weak"),
            ["a key of 1024 bits"] = Issuer.Token(good, """{"alg":"RS256","kid":"weak"}""", "weak"),
            ["an unknown key"] = Issuer.Token(good, """{"alg":"RS256","kid":"unknown"}"""),
            ["no key id"] = Issuer.Token(good, """{"alg":"RS256"}"""),
            ["a key in the header"] = Issuer.Token(good, """{"alg":"RS256","kid":"rsa","jwk":"x"}"""),
            ["an address of keys in the header"] = Issuer.Token(good, """{"alg":"RS256","kid":"rsa","jku":"https://example.com"}"""),
            ["a certificate's address in the header"] = Issuer.Token(good, """{"alg":"RS256","kid":"rsa","x5u":"https://example.com"}"""),
            ["something critical"] = Issuer.Token(good, """{"alg":"RS256","kid":"rsa","crit":"exp"}"""),
            ["tampered claims"] = $"{parts[0]}.{others[1]}.{parts[2]}",
            ["a tampered signature"] = token[..^6] + "AAAAAA",
            ["another audience"] = Issuer.Token(Issuer.Claims(Now, ("aud", "another"))),
            ["our own audience"] = Issuer.Token(Issuer.Claims(Now, ("aud", "crm-api"))),
            ["no audience"] = Issuer.Token(Issuer.Claims(Now, ("aud", null))),
            ["another issuer"] = Issuer.Token(Issuer.Claims(Now, ("iss", "https://example.com"))),
            ["a longer issuer"] = Issuer.Token(Issuer.Claims(Now, ("iss", Issuer.Address + "/"))),
            ["our own issuer"] = Issuer.Token(Issuer.Claims(Now, ("iss", "crm"))),
            ["no issuer"] = Issuer.Token(Issuer.Claims(Now, ("iss", null))),
            ["no subject"] = Issuer.Token(Issuer.Claims(Now, ("sub", null))),
            ["a subject of control characters"] = Issuer.Token(Issuer.Claims(Now, ("sub", "a\nb"))),
            ["no end"] = Issuer.Token(Issuer.Claims(Now, ("exp", null))),
            ["an end in words"] = Issuer.Token(Issuer.Claims(Now, ("exp", "tomorrow"))),
            ["an end beyond all time"] = Issuer.Token(Issuer.Claims(Now, ("exp", 1e300))),
            ["expired"] = Issuer.Token(Issuer.Claims(Now, ("exp", Now.AddSeconds(-1).ToUnixTimeSeconds()))),
            ["not yet valid"] = Issuer.Token(Issuer.Claims(Now, ("nbf", Now.AddMinutes(2).ToUnixTimeSeconds()))),
            ["issued later"] = Issuer.Token(Issuer.Claims(Now, ("iat", Now.AddMinutes(2).ToUnixTimeSeconds()))),
            ["no role"] = Issuer.Token(Issuer.Claims(Now, ("roles", null))),
            ["a role that is not mapped"] = Issuer.Token(Issuer.Claims(Now, ("roles", "admin"))),
            ["a role that is no text"] = Issuer.Token(Issuer.Claims(Now, ("roles", 1))),
        };
        foreach (var (fault, wrong) in faulty)
        {
            Assert.True((await Me(wrong)).Status == 401, fault);
        }

        Assert.Equal(200, (await Me(token)).Status);
    }

    [Fact]
    public async Task make_the_issuer_be_asked_once_however_many_come_and_never_for_invented_keys()
    {
        Host.CreateClient().Dispose();
        var tokens = Enumerable.Range(0, 500).Select(_ => Issuer.Token(Issuer.Claims(Now, ("sub", "one and the same")))).ToList();
        var answers = await Task.WhenAll(tokens.Select(Me));
        Assert.All(answers, answer => Assert.Equal(200, answer.Status));
        Assert.Equal(1, Issuer.KeysAsked);

        // One user, however many tokens named it first at the same moment.
        await using (var count = database!.App.CreateCommand("select count(*) from crm.mt_events where type = 'user-identity-linked'"))
        {
            Assert.Equal(1L, await count.ExecuteScalarAsync(Ct));
        }

        Host.Clock.Move(TimeSpan.FromMinutes(2));
        var invented = await Task.WhenAll(Enumerable.Range(0, 100).Select(
            at => Me(Issuer.Token(Issuer.Claims(Now), $$"""{"alg":"RS256","kid":"invented-{{at}}"}"""))));
        Assert.All(invented, answer => Assert.Equal(401, answer.Status));
        Assert.Equal(2, Issuer.KeysAsked);
    }

    [Fact]
    public async Task go_on_for_a_day_while_the_issuer_is_away()
    {
        Assert.Equal(200, (await Me(Issuer.Token(Issuer.Claims(Now)))).Status);
        Issuer.Instead["/.well-known/openid-configuration"] = http =>
        {
            http.Response.StatusCode = 500;
            return Task.CompletedTask;
        };
        Host.Clock.Move(TimeSpan.FromHours(23));
        Assert.Equal(200, (await Me(Issuer.Token(Issuer.Claims(Now)))).Status);
        Host.Clock.Move(TimeSpan.FromHours(2));
        Assert.Equal(401, (await Me(Issuer.Token(Issuer.Claims(Now)))).Status);

        // And it is back: what failed is tried again shortly after.
        Issuer.Instead.Clear();
        Host.Clock.Move(TimeSpan.FromSeconds(11));
        Assert.Equal(200, (await Me(Issuer.Token(Issuer.Claims(Now)))).Status);
    }

    [Fact]
    public async Task are_not_taken_by_what_another_place_publishes()
    {
        await using var elsewhere = await LocalIssuer.Start();
        var faults = new (string Path, Func<HttpContext, Task> Answer)[]
        {
            ("/keys", http => Redirected(http, elsewhere.Address + "/keys")),
            ("/keys", http => Redirected(http, "http://169.254.169.254/latest/meta-data")),
            ("/keys", http => http.Response.WriteAsync(new string(' ', 300_000) + """{"keys":[]}""")),
            ("/keys", http => http.Response.WriteAsync("<html>sign in</html>")),
            ("/.well-known/openid-configuration", http => Redirected(http, elsewhere.Address + "/.well-known/openid-configuration")),
            ("/.well-known/openid-configuration", http => http.Response.WriteAsync($$"""{"issuer":"{{elsewhere.Address}}","jwks_uri":"{{Issuer.Address}}/keys"}""")),
            ("/.well-known/openid-configuration", http => http.Response.WriteAsync($$"""{"issuer":"{{Issuer.Address}}","jwks_uri":"{{elsewhere.Address}}/keys"}""")),
            ("/.well-known/openid-configuration", http => http.Response.WriteAsync($$"""{"issuer":"{{Issuer.Address}}","jwks_uri":"file:///etc/passwd"}""")),
            ("/.well-known/openid-configuration", http => http.Response.WriteAsync($$"""{"issuer":"{{Issuer.Address}}"}""")),
        };
        foreach (var (path, answer) in faults)
        {
            Issuer.Instead.Clear();
            Issuer.Instead[path] = answer;
            Assert.Equal(401, (await Me(Issuer.Token(Issuer.Claims(Now)))).Status);
            Host.Clock.Move(TimeSpan.FromSeconds(11));
        }

        Assert.Equal(0, elsewhere.KeysAsked);
        Issuer.Instead.Clear();
        Assert.Equal(200, (await Me(Issuer.Token(Issuer.Claims(Now)))).Status);

        static Task Redirected(HttpContext http, string to)
        {
            http.Response.Redirect(to);
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task stand_for_users_who_are_joined_to_nobody_by_an_address_and_follow_their_newest_role()
    {
        var admin = await Host.Admin();
        var local = await Host.Register("manager");
        var first = Issuer.Token(Issuer.Claims(Now, ("sub", "grace"), ("email", local.Email)));
        var me = await Me(first);
        Assert.NotEqual(local.Id, me.Id);
        Assert.Equal("agent", me.Body.GetProperty("role").GetString());
        Assert.Equal("Grace Hopper", me.Body.GetProperty("name").GetString());
        Assert.Contains((await admin.Get("/users?limit=200")).Items, user => user.GetProperty("id").GetGuid() == me.Id);

        Host.Clock.Move(TimeSpan.FromSeconds(10));
        var promoted = Issuer.Token(Issuer.Claims(Now, ("sub", "grace"), ("roles", AllRoles)));
        Assert.Equal("manager", (await Me(promoted)).Body.GetProperty("role").GetString());

        // The older token still counts, but brings nothing of the old back, here or on a host that sees it for the first time.
        await using var second = TestHost.Beside(database!, Issuer.Settings());
        second.Clock.Move(TimeSpan.FromSeconds(10));
        Assert.Equal("manager", (await Me(first, second)).Body.GetProperty("role").GetString());
        await using (var actor = database!.App.CreateCommand(
            "select headers ->> 'actor' from crm.mt_events where type = 'user-role-changed' and stream_id = $1"))
        {
            actor.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = me.Id });
            Assert.Equal($"oidc:{Issuer.Address}", await actor.ExecuteScalarAsync(Ct));
        }

        (await admin.Post($"/users/{me.Id}/deactivate")).Is(200);
        await Eventually.IsTrue(async () => (await Me(promoted)).Status == 401, Ct, TimeSpan.FromSeconds(5));
        Assert.Equal(401, (await Me(Issuer.Token(Issuer.Claims(Now, ("sub", "grace"))))).Status);
        Assert.Equal(401, (await Me(Issuer.Token(Issuer.Claims(Now, ("sub", "grace"))), second)).Status);
    }

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("192.168.0.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("::1", false)]
    [InlineData("::", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::ffff:169.254.169.254", false)]
    [InlineData("64:ff9b::a9fe:a9fe", false)]
    [InlineData("2002:a9fe:a9fe::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fd00::1", false)]
    [InlineData("8.8.8.8", true)]
    [InlineData("172.32.0.1", true)]
    [InlineData("2a00:1450:4001:80b::200e", true)]
    public void are_checked_with_keys_from_public_addresses_only(string address, bool isPublic) =>
        Assert.Equal(isPublic, IssuerFetch.IsPublic(IPAddress.Parse(address)));

    [Fact]
    public async Task of_this_network_need_leave_to_be_fetched_for()
    {
        using var fetch = new IssuerFetch();
        var plain = await Assert.ThrowsAnyAsync<HttpRequestException>(() => fetch.Get(new Uri(Issuer.Address + "/keys"), allowPrivateNetwork: false, Ct));
        Assert.Contains("https", plain.Message, StringComparison.Ordinal);
        var port = new Uri(Issuer.Address).Port;
        foreach (var name in new[] { "localhost", "127.0.0.1", "[::1]", "2130706433" })
        {
            await Assert.ThrowsAnyAsync<HttpRequestException>(() => fetch.Get(new Uri($"https://{name}:{port}/keys"), allowPrivateNetwork: false, Ct));
        }

        Assert.Equal(0, Issuer.KeysAsked);
        Assert.NotEmpty(await fetch.Get(new Uri(Issuer.Address + "/keys"), allowPrivateNetwork: true, Ct));
    }

    private async Task<Answer> Me(string token) => await Me(token, Host);

    private static async Task<Answer> Me(string token, TestHost on)
    {
        var client = on.CreateClient();
        return await client.Send(HttpMethod.Get, "/me", json: null, ("Authorization", $"Bearer {token}"));
    }
}

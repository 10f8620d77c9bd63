using System.Net;
using System.Text;
using Crm.Testing;
using Crm.Web.Hosting;

namespace Crm.Web.Tests.Edge;

public class The_edge(TestHost host) : IClassFixture<TestHost>
{
    private const long NeverReached = 1_000_000_000;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task tells_browsers_what_not_to_do_with_each_answer()
    {
        var admin = await host.Admin();
        using var stranger = host.CreateClient();
        Answer[] answers =
        [
            await admin.Get("/me"),
            await stranger.Send(HttpMethod.Get, "/me", null),
            await admin.Get("/leads/no-such"),
            await admin.Get("/leads?nonsense=1"),
            await admin.Post("/leads", "{"),
            await admin.Post("/leads", $$"""{"lastName":"{{new string('x', 1_100_000)}}"}"""),
            await admin.Client.Send(HttpMethod.Delete, "/leads", null),
            await stranger.Send(HttpMethod.Get, "/health/live", null),
            await stranger.Send(HttpMethod.Get, "/openapi/v1.json", null),
            await stranger.Send(HttpMethod.Get, "/docs/index.html", null),
        ];
        Assert.Equal([200, 401, 404, 400, 400, 413, 405, 200, 200, 200], answers.Select(answer => answer.Status));
        foreach (var answer in answers)
        {
            Assert.Equal("nosniff", answer.Header("X-Content-Type-Options"));
            Assert.Equal("no-referrer", answer.Header("Referrer-Policy"));
            Assert.Equal("DENY", answer.Header("X-Frame-Options"));
            Assert.Equal("same-origin", answer.Header("Cross-Origin-Resource-Policy"));
            Assert.Contains("default-src 'none'", answer.Header("Content-Security-Policy") ?? "", StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'", answer.Header("Content-Security-Policy") ?? "", StringComparison.Ordinal);
            Assert.Null(answer.Header("Server"));
            Assert.Null(answer.Header("X-Powered-By"));
            Assert.Null(answer.Header("Strict-Transport-Security"));
            Assert.Null(answer.Header("Access-Control-Allow-Origin"));
        }

        Assert.All(answers[..7], static answer => Assert.Equal("no-store", answer.Header("Cache-Control")));
    }

    [Fact]
    public async Task tells_them_with_every_route()
    {
        using var stranger = host.CreateClient();
        var routes = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(static route => (route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"])
                .Select(method => (Method: method, Path: "/" + route.RoutePattern.RawText?.TrimStart('/'))))
            .ToList();
        Assert.True(routes.Count > 60, $"only {routes.Count} routes");
        foreach (var (method, path) in routes)
        {
            using var request = new HttpRequestMessage(
                new HttpMethod(method), new Uri(path.Replace("{id:guid}", Guid.Empty.ToString(), StringComparison.Ordinal), UriKind.Relative));
            using var answer = await stranger.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
            foreach (var header in new[] { "X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy", "X-Frame-Options" })
            {
                Assert.True(answer.Headers.Contains(header), $"{method} {path} answered {answer.StatusCode} without {header}");
            }
        }
    }

    [Fact]
    public async Task has_room_for_a_thousand_requests_and_lets_a_hundred_more_wait()
    {
        using var room = new RequestRoom(new EdgeOptions { WaitsAtMost = TimeSpan.FromMinutes(1) });
        for (var request = 0; request < 1_000; request++)
        {
            Assert.True(await room.Enter(Ct));
        }

        var waiting = Enumerable.Range(0, 100).Select(_ => room.Enter(Ct).AsTask()).ToList();
        Assert.False(await room.Enter(Ct));
        Assert.All(waiting, static entering => Assert.False(entering.IsCompleted));
        for (var request = 0; request < 100; request++)
        {
            room.Leave();
        }

        Assert.All(await Task.WhenAll(waiting), Assert.True);
    }

    [Fact]
    public async Task says_503_when_the_connections_to_the_database_are_used_up_and_goes_on()
    {
        await using var own = new TestHost();
        await own.InitializeAsync();
        await using var few = TestHost.Beside(own.Database, ("Crm:Database:MaxConnections", "30"));
        var admin = await few.Admin();
        var last = (await admin.Post("/leads", """{"lastName":"Lovelace"}""")).Is(201).Position;
        (await admin.GetAfter(last, "/leads")).Is(200);

        // Ten connections answer queries: as many requests hold them all while nobody may read the board.
        await using var locking = await own.Database.Superuser.OpenConnectionAsync(Ct);
        await using var transaction = await locking.BeginTransactionAsync(Ct);
        await using (var held = new Npgsql.NpgsqlCommand("lock table crm_read.lead_board in access exclusive mode", locking, transaction))
        {
            await held.ExecuteNonQueryAsync(Ct);
        }

        var asked = Enumerable.Range(0, 30).Select(_ => admin.Get("/leads")).ToList();
        var first = await await Task.WhenAny(asked);
        Assert.NotNull(first.IsRefused(503, "unavailable").Header("Retry-After"));
        await transaction.RollbackAsync(Ct);
        var answers = await Task.WhenAll(asked);
        Assert.All(answers, static answer => Assert.True(answer.Status is 200 or 503, answer.Text));
        Assert.Contains(answers, static answer => answer.Status == 200);
        (await admin.Get("/leads")).Is(200);
    }

    [Fact]
    public async Task demands_TLS_from_then_on_where_TLS_was_used()
    {
        using var client = host.CreateClient(new() { BaseAddress = new Uri("https://crm.example") });
        Assert.StartsWith("max-age=", (await client.Send(HttpMethod.Get, "/health/live", null)).Is(200).Header("Strict-Transport-Security"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task admits_pages_of_other_sites_only_by_its_list()
    {
        await using var listed = TestHost.Beside(host.Database, ("Crm:Cors:Origins:0", "https://app.example"));
        var mine = await Asked(listed, "https://app.example");
        Assert.Equal("https://app.example", mine.Header("Access-Control-Allow-Origin"));
        Assert.Null(mine.Header("Access-Control-Allow-Credentials"));
        Assert.Contains("ETag", mine.Header("Access-Control-Expose-Headers") ?? "", StringComparison.Ordinal);
        foreach (var foreign in new[] { "https://evil.example", "null", "https://app.example.evil.example", "http://app.example", "https://xapp.example" })
        {
            Assert.Null((await Asked(listed, foreign)).Header("Access-Control-Allow-Origin"));
            Assert.Null((await Asked(host, foreign)).Header("Access-Control-Allow-Origin"));
        }
    }

    [Theory]
    [InlineData("*")]
    [InlineData("null")]
    [InlineData("https://app.example/")]
    [InlineData("https://*.example")]
    [InlineData("ftp://app.example")]
    [InlineData("https://user@app.example")]
    public async Task does_not_start_with_an_origin_that_is_none(string origin)
    {
        await using var wrong = TestHost.Beside(host.Database, ("Crm:Cors:Origins:0", origin));
        Assert.ThrowsAny<Exception>(() => wrong.CreateClient());
    }

    [Fact]
    public async Task tells_those_beyond_its_room_so_and_stays_alive()
    {
        await using var small = TestHost.Beside(
            host.Database, ("Crm:Edge:RequestsAtOnce", "2"), ("Crm:Edge:RequestsWaiting", "1"), ("Crm:Edge:WaitsAtMost", "00:00:00.100"));
        var admin = await small.Admin();
        var held = Enumerable.Range(0, 2).Select(_ => admin.GetAfter(NeverReached, "/leads")).ToList();
        var beyond = await Eventually.Value(
            async () => await admin.Get("/me") is { Status: 503 } answer ? answer : null, Ct, TimeSpan.FromSeconds(4));
        Assert.Equal("1", beyond.IsRefused(503, "unavailable").Header("Retry-After"));
        using var prober = small.CreateClient();
        (await prober.Send(HttpMethod.Get, "/health/live", null)).Is(200);
        (await prober.Send(HttpMethod.Get, "/metrics", null)).Is(200);
        await Task.WhenAll(held);
        (await admin.Get("/me")).Is(200);
    }

    [Fact]
    public async Task gives_up_what_takes_too_long()
    {
        await using var hurried = TestHost.Beside(host.Database, ("Crm:Edge:RequestLasts", "00:00:00.500"));
        // Signed in beside it: to hash a password may take longer than that.
        using var client = hurried.CreateClient();
        client.DefaultRequestHeaders.Authorization = new("Bearer", (await host.Admin()).AccessToken);
        var admin = (await host.Admin()) with { Client = client };
        var late = (await admin.GetAfter(NeverReached, "/leads")).IsRefused(504, "timeout");
        Assert.Equal("nosniff", late.Header("X-Content-Type-Options"));
    }

    [Fact]
    public async Task lets_a_caller_have_few_streams_and_ends_each_after_its_time()
    {
        await using var small = TestHost.Beside(
            host.Database, ("Crm:Edge:StreamsPerCaller", "1"), ("Crm:Edge:StreamLasts", "00:00:02"));
        var admin = await small.Admin();
        using var first = await admin.Client.GetAsync("/api/v1/events/stream?after=0", HttpCompletionOption.ResponseHeadersRead, Ct);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        (await admin.Get("/events/stream?after=0")).IsRefused(503, "unavailable");
        Assert.Contains("retry: 1000", await first.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal); // to its end
        using var next = await admin.Client.GetAsync("/api/v1/events/stream?after=0", HttpCompletionOption.ResponseHeadersRead, Ct);
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
    }

    [Fact]
    public async Task compresses_lists_but_nothing_that_may_hold_a_secret()
    {
        var admin = await host.Admin();
        Assert.Equal("gzip", (await Compressed(admin, "/leads")).Message.Content.Headers.ContentEncoding.Single());
        foreach (var path in new[] { "/me", "/users", "/no-such" })
        {
            Assert.Empty((await Compressed(admin, path)).Message.Content.Headers.ContentEncoding);
        }

        Assert.Empty((await Compressed(admin, "/leads", ("Origin", "https://evil.example"))).Message.Content.Headers.ContentEncoding);
        Assert.Empty((await Compressed(admin, "/leads", ("Sec-Fetch-Site", "cross-site"))).Message.Content.Headers.ContentEncoding);
        var login = await admin.Client.Send(
            HttpMethod.Post, "/auth/login", $$"""{"email":"{{TestHost.AdminEmail}}","password":"{{TestHost.AdminPassword}}"}""", ("Accept-Encoding", "gzip"));
        Assert.Empty(login.Is(200).Message.Content.Headers.ContentEncoding);
    }

    [Fact]
    public async Task takes_no_compressed_body()
    {
        var admin = await host.Admin();
        (await admin.Client.Send(HttpMethod.Post, "/leads", "{}", ("Content-Encoding", "gzip"))).IsRefused(415, "unsupported-media-type");
    }

    [Fact]
    public async Task takes_a_body_of_32_levels_at_most()
    {
        var admin = await host.Admin();
        (await admin.Post("/leads", string.Concat(Enumerable.Repeat("[", 33)) + string.Concat(Enumerable.Repeat("]", 33)))).IsRefused(400, "malformed");
        (await admin.Post("/leads", string.Concat(Enumerable.Repeat("[", 20_000)))).IsRefused(400, "malformed");
    }

    [Fact]
    public void writes_a_log_entry_as_one_line_whatever_is_in_it()
    {
        var line = new StringBuilder();
        OneLineConsole.Escape(line, "/a\r\n2026-01-01 info: admin signed in\u001b[2J\u202e\u2028\u0085\u0000end é 田");
        var text = line.ToString();
        Assert.Equal("/a\\r\\n2026-01-01 info: admin signed in\\u001b[2J\\u202e\\u2028\\u0085\\u0000end é 田", text);
    }

    private static Task<Answer> Asked(TestHost host, string origin) =>
        host.CreateClient().Send(HttpMethod.Get, "/health/live", null, ("Origin", origin));

    private static Task<Answer> Compressed(SignedInUser user, string path, params (string, string)[] more) =>
        user.Client.Send(HttpMethod.Get, path, null, [("Accept-Encoding", "gzip"), .. more]);
}

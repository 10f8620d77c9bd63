using System.Text.RegularExpressions;
using Crm.Testing;

namespace Crm.Web.Tests.Operations;

public class Operating(TestHost host) : IClassFixture<TestHost>
{
    [Fact]
    public async Task shows_every_projection_caught_up()
    {
        var admin = await host.Admin();
        var last = (await admin.Post("/leads", """{"lastName":"x"}""")).Is(201).Position;
        (await admin.GetAfter(last, "/reports/funnel")).Is(200);

        var items = (await (await host.As("ops")).Get("/ops/projections")).Is(200).Items;

        Assert.Contains(items, item => item.GetProperty("name").GetString() == "funnel" && item.GetProperty("position").GetInt64() >= last);
    }

    [Fact]
    public async Task tells_an_admin_the_routes_and_the_database_but_nothing_that_opens_it()
    {
        var admin = await host.Admin();
        var routes = (await admin.Client.Send(HttpMethod.Get, "/debug/routes", null)).Is(200);
        var capture = routes.Items.Single(item =>
            item.GetProperty("method").GetString() == "POST" && item.GetProperty("route").GetString() == "/api/v1/leads");
        Assert.Equal("leads-write", capture.GetProperty("policies").EnumerateArray().Single().GetString());
        var login = routes.Items.Single(item => item.GetProperty("route").GetString() == "/api/v1/auth/login");
        Assert.Empty(login.GetProperty("policies").EnumerateArray());

        var database = (await admin.Client.Send(HttpMethod.Get, "/debug/database-url", null)).Is(200);
        var given = new Npgsql.NpgsqlConnectionStringBuilder(host.Database.AppConnectionString);
        Assert.Equal(given.Database, database.Body.GetProperty("database").GetString());
        Assert.Equal(given.Username, database.Body.GetProperty("user").GetString());
        Assert.StartsWith("15", database.Body.GetProperty("server").GetString(), StringComparison.Ordinal);
        if (given.Password is { Length: > 0 } password)
        {
            Assert.DoesNotContain(password, database.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task rebuilds_a_projection_as_a_job_that_can_be_followed()
    {
        var ops = await host.As("ops");
        var admin = await host.Admin();
        var last = (await admin.Post("/leads", """{"lastName":"x"}""")).Is(201).Position;
        (await admin.GetAfter(last, "/reports/sources")).Is(200);

        var started = (await ops.Post("/ops/projections/sources/rebuild")).Is(202);

        var job = started.Header("Location") ?? "";
        await IsDone(ops, job);
        (await admin.Get("/reports/sources")).Is(200);
        (await ops.Post("/ops/projections/nothing/rebuild")).IsRefused(404, "not-found");
        (await ops.Get($"/ops/jobs/{Guid.NewGuid()}")).IsRefused(404, "not-found");
    }

    [Fact]
    public async Task lists_and_retries_what_is_parked()
    {
        var ops = await host.As("ops");
        Assert.Empty((await ops.Get("/ops/parked")).Is(200).Items);
        (await ops.Post("/ops/parked/17/retry")).IsRefused(404, "not-found");
        (await (await host.As("agent")).Get("/ops/parked")).IsRefused(403, "forbidden");
    }

    [Fact]
    public async Task rebuilds_once_for_one_idempotency_key()
    {
        var ops = await host.As("ops");
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());

        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => ops.Post("/ops/projections/sources/rebuild", null, key)));
        var first = answers.Single(answer => answer.Is(202).Header("Idempotent-Replayed") is null);
        var job = first.Header("Location") ?? "";
        await IsDone(ops, job);
        var later = (await ops.Post("/ops/projections/sources/rebuild", null, key)).Is(202);

        Assert.Equal("true", later.Header("Idempotent-Replayed"));
        Assert.All([.. answers, later], answer => Assert.Equal((first.Text, job), (answer.Text, answer.Header("Location"))));
        (await ops.Post("/ops/projections/funnel/rebuild", null, key)).IsRefused(422, "idempotency-key-reused");
        (await ops.Post("/ops/projections/sources/rebuild", "{}", key)).IsRefused(422, "idempotency-key-reused");
        var another = (await ops.Post("/ops/projections/sources/rebuild")).Is(202).Header("Location") ?? "";
        Assert.NotEqual(job, another);
        await IsDone(ops, another);
        (await ops.Post("/ops/projections/sources/rebuild", """{"now":true}""")).IsRefused(422, "invalid");
    }

    [Fact]
    public async Task retries_what_is_parked_once_for_one_idempotency_key()
    {
        var ops = await host.As("ops");
        var key = ("Idempotency-Key", Guid.NewGuid().ToString());
        var id = await ParkNothing();

        var first = (await ops.Post($"/ops/parked/{id}/retry", null, key)).Is(200);
        var second = (await ops.Post($"/ops/parked/{id}/retry", null, key)).Is(200);

        Assert.Equal(0, first.Body.GetProperty("applied").GetInt32());
        Assert.Null(first.Header("Idempotent-Replayed"));
        Assert.Equal((first.Text, "true"), (second.Text, second.Header("Idempotent-Replayed")));
        (await ops.Post($"/ops/parked/{id}/retry")).IsRefused(404, "not-found");
        (await ops.Post($"/ops/parked/{id + 1}/retry", null, key)).IsRefused(422, "idempotency-key-reused");
    }

    [Fact]
    public async Task says_whether_the_data_are_sound_and_since_when()
    {
        var ops = await host.As("ops");
        await (await host.Admin()).Captured();

        var started = (await ops.Post("/ops/integrity")).Is(202);
        await IsDone(ops, started.Header("Location") ?? "");
        var answer = (await ops.Get("/ops/integrity")).Is(200);

        Assert.True(answer.Items.Count >= 26);
        Assert.All(answer.Items.Where(item => item.GetProperty("id").GetString() is not ("parked" or "projections")), item =>
            Assert.True(item.GetProperty("passed").GetBoolean(), item.ToString()));
        Assert.True(answer.Body.GetProperty("ageSeconds").GetDouble() >= 0);
        Assert.True(answer.Body.GetProperty("passRate").GetDouble() > 80);
        Assert.Contains("crm_integrity_offenders", (await ops.Get("/metrics")).Text, StringComparison.Ordinal);
        Assert.Equal(answer.Items.Count, (await ops.Get("/ops/integrity")).Is(200).Items.Count);
    }

    [Fact]
    public async Task answers_health_in_time_and_without_a_token()
    {
        await host.Admin();
        using var client = host.CreateClient();
        (await client.Send(HttpMethod.Get, "/health/live", null)).Is(200);
        (await client.Send(HttpMethod.Get, "/health/ready", null)).Is(200);
        await Eventually.IsTrue(
            async () => (await client.Send(HttpMethod.Get, "/health", null)).Is(200).Body.GetProperty("status").GetString() == "ok",
            TestContext.Current.CancellationToken);
        var health = (await client.Send(HttpMethod.Get, "/health", null)).Is(200).Body;
        Assert.Equal("connected", health.GetProperty("database").GetString());
        Assert.Equal(40, health.GetProperty("pool").GetProperty("max").GetInt32());
        Assert.Equal(9, health.GetProperty("projections").GetArrayLength());
    }

    [Fact]
    public async Task counts_requests_events_and_lag_for_prometheus()
    {
        var admin = await host.Admin();
        await admin.Captured();
        using var client = host.CreateClient();

        var text = (await client.Send(HttpMethod.Get, "/metrics", null)).Is(200).Text;

        Assert.Contains("http_server_request_duration_seconds_bucket{", text, StringComparison.Ordinal);
        Assert.Contains("http_route=\"/api/v1/leads", text, StringComparison.Ordinal);
        Assert.Contains("crm_log_events_appended_total ", text, StringComparison.Ordinal);
        Assert.Contains("crm_log_append_batch_size_bucket{le=\"1\"}", text, StringComparison.Ordinal);
        Assert.Contains("crm_projection_lag{projection=\"lead_board\"}", text, StringComparison.Ordinal);

        // Of a connection string; the routes of other hosts in this process may have a password in their name.
        Assert.DoesNotContain("Password=", text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task describes_every_route_and_serves_the_page_to_read_it()
    {
        using var client = host.CreateClient();
        var document = (await client.Send(HttpMethod.Get, "/openapi/v1.json", null)).Is(200).Body;
        Assert.StartsWith("3.1", document.GetProperty("openapi").GetString(), StringComparison.Ordinal);

        var described = document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name}"))
            .ToHashSet(StringComparer.Ordinal);
        var mapped = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(route =>
                (route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []).Select(method => $"{method} {PathOf(route)}"))
            .Where(route => !route.Contains("/openapi/", StringComparison.Ordinal));
        Assert.Equal(mapped.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));

        foreach (var operation in document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()))
        {
            Assert.Contains(operation.Value.GetProperty("responses").EnumerateObject(), answer => answer.Name[0] == '2');
            Assert.False(string.IsNullOrWhiteSpace(operation.Value.GetProperty("summary").GetString()));
        }

        Assert.Contains("swagger-ui", (await client.Send(HttpMethod.Get, "/docs/index.html", null)).Is(200).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", (await client.Send(HttpMethod.Get, "/docs/index.html", null)).Text, StringComparison.Ordinal);
        (await client.Send(HttpMethod.Get, "/docs/swagger-ui-bundle.js", null)).Is(200);
    }

    private static Task IsDone(SignedInUser ops, string job) => Eventually.IsTrue(
        async () => (await ops.Get(job)).Is(200).Body.GetProperty("state").GetString() == "done", TestContext.Current.CancellationToken);

    /// <summary>Parks a stream that has no events, so that a retry has nothing to fail on; of a projection that no specification
    /// here rebuilds, as a rebuild forgets what was parked.</summary>
    private async Task<long> ParkNothing()
    {
        await using var park = host.Database.Owner.CreateCommand(
            "insert into crm.parked (projection, stream_id, position, error) "
            + "values ('funnel', gen_random_uuid(), 1, 'a specification') returning id");
        return (long)(await park.ExecuteScalarAsync(TestContext.Current.CancellationToken)
            ?? throw new InvalidOperationException("It has no number."));
    }

    private static string PathOf(RouteEndpoint route)
    {
        var path = Regex.Replace(
            "/" + (route.RoutePattern.RawText ?? "").Trim('/'),
            @"\{(?<name>\w+):\w+\}",
            "{${name}}",
            RegexOptions.None,
            TimeSpan.FromSeconds(1));
        return path.TrimEnd('/');
    }
}

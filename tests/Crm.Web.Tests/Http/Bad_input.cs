using System.Globalization;
using System.Text;

namespace Crm.Web.Tests.Http;

public class Bad_input(TestHost host) : IClassFixture<TestHost>
{
    [Theory]
    [InlineData("""{"lastName":1}""", "/lastName", "wrong-type")]
    [InlineData("""{"lastName":"x","lastname":"y"}""", "/lastname", "unknown-field")]
    [InlineData("""{"lastName":"x","details":{}}""", "/details", "unknown-field")]
    [InlineData("""{"lastName":"x","value":{"amount":1,"currency":"EUR","x":1}}""", "/value/x", "unknown-field")]
    [InlineData("""{"lastName":"x","value":{"amount":"1","currency":"EUR"}}""", "/value/amount", "wrong-type")]
    [InlineData("""{"lastName":"x","value":{"amount":1e400,"currency":"EUR"}}""", "/value/amount", "wrong-type")]
    [InlineData("""{"lastName":"x","value":{"amount":1}}""", "/value/currency", "required")]
    [InlineData("""{"lastName":"x","value":{"amount":-1,"currency":"EUR"}}""", "/value/amount", "invalid")]
    [InlineData("""{"lastName":"x","value":{"amount":1,"currency":"euro"}}""", "/value/currency", "invalid")]
    [InlineData("""{"lastName":"x","tags":[1]}""", "/tags/0", "wrong-type")]
    [InlineData("""{"lastName":"x","tags":[null]}""", "/tags", "required")]
    [InlineData("""{"lastName":"x","tags":"a"}""", "/tags", "wrong-type")]
    [InlineData("""{"lastName":"x","email":"no address"}""", "/email", "invalid")]
    [InlineData("""{"lastName":"x","ownerId":"17"}""", "/ownerId", "wrong-type")]
    [InlineData("""{"lastName":"a\u0000b"}""", "/lastName", "invalid-text")]
    [InlineData("""{"lastName":"x","tags":["\u0000"]}""", "/tags/0", "invalid-text")]
    [InlineData("""{"lastName":"\ud800"}""", "/lastName", "invalid-text")]
    [InlineData("""{"lastName":"\udc00x"}""", "/lastName", "invalid-text")]
    [InlineData("""{"lastName":"x","lastName":"y"}""", "/lastName", "wrong-type")]
    public async Task names_the_field(string body, string pointer, string code)
    {
        var agent = await host.As("agent");
        var answer = (await agent.Post("/leads", body)).IsRefused(422, "invalid");
        Assert.Contains((pointer, code), answer.Errors);
    }

    [Theory]
    [InlineData("lastName", 200)]
    [InlineData("firstName", 200)]
    [InlineData("phone", 50)]
    [InlineData("company", 200)]
    [InlineData("source", 100)]
    [InlineData("externalId", 200)]
    public async Task may_be_as_long_as_the_limit_and_no_longer(string field, int most)
    {
        var agent = await host.As("agent");

        // Characters are counted, not the two units that UTF-16 takes for some of them.
        var longest = string.Concat(Enumerable.Repeat("😀", most - 4)) + Random.Shared.Next(1_000, 9_999).ToString(CultureInfo.InvariantCulture);
        var id = (await agent.Post("/leads", $$"""{"{{field}}":"{{longest}}","email":"ada@example.com"}""")).Is(201).Id;
        Assert.Equal(longest, (await agent.Get($"/leads/{id}")).Body.GetProperty(field).GetString());

        var answer = (await agent.Post("/leads", $$"""{"{{field}}":"{{longest}}x"}""")).IsRefused(422, "invalid");
        Assert.Equal([("/" + field, "too-long")], answer.Errors);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"lastName":"x"} trailing""")]
    [InlineData("""{"lastName":"x",}""")]
    [InlineData("""{'lastName':'x'}""")]
    [InlineData("{\"lastName\":\"\u0001\"}")]
    public async Task that_is_no_json_object_is_malformed(string body) =>
        (await (await host.As("agent")).Post("/leads", body)).IsRefused(400, "malformed");

    [Fact]
    public async Task nested_a_hundred_deep_is_refused()
    {
        var deep = new StringBuilder().Insert(0, "[", 100).Append(']', 100);
        (await (await host.As("agent")).Post("/leads", $$"""{"lastName":{{deep}}}""")).IsRefused(400, "malformed");
    }

    [Fact]
    public async Task over_a_megabyte_is_too_large() =>
        (await (await host.As("agent")).Post("/leads", $$"""{"lastName":"{{new string('x', 1024 * 1024)}}"}""")).IsRefused(413, "too-large");

    [Fact]
    public async Task of_another_media_type_is_refused()
    {
        var agent = await host.As("agent");
        (await agent.Post("/leads", "<x/>", ("Content-Type", "application/xml"))).IsRefused(415, "unsupported-media-type");
        (await agent.Post("/leads", """{"lastName":"x"}""", ("Content-Type", "application/json; charset=utf-16")))
            .IsRefused(415, "unsupported-media-type");
        (await agent.Post("/leads", """{"lastName":"x"}""", ("Content-Type", "application/merge-patch+json")))
            .IsRefused(415, "unsupported-media-type");
    }

    [Fact]
    public async Task stores_nothing()
    {
        var agent = await host.As("agent");
        var before = await Count();
        (await agent.Post("/leads", "{}")).IsRefused(422, "invalid");
        (await agent.Post("/leads", """{"lastName":"a\u0000b"}""")).IsRefused(422, "invalid");
        Assert.Equal(before, await Count());
    }

    [Theory]
    [InlineData("/leads?colour=red", "/colour", "unknown-parameter")]
    [InlineData("/leads?limit=0", "/limit", "out-of-range")]
    [InlineData("/leads?limit=201", "/limit", "out-of-range")]
    [InlineData("/leads?limit=x", "/limit", "out-of-range")]
    [InlineData("/leads?status=lost", "/status", "unknown-word")]
    [InlineData("/leads?status=new&status=contacted", "/status", "repeated")]
    [InlineData("/leads?createdFrom=yesterday", "/createdFrom", "invalid-time")]
    [InlineData("/leads?createdFrom=2026-01-01T00:00:00", "/createdFrom", "invalid-time")]
    [InlineData("/leads?ownerId=me", "/ownerId", "invalid-id")]
    [InlineData("/leads?q=%00", "/q", "invalid-text")]
    [InlineData("/leads?cursor=abc", "/cursor", "invalid-cursor")]
    [InlineData("/leads?sort=password", "/sort", "unknown-word")]
    [InlineData("/leads?asOf=2026-01-01T00:00:00Z&asOfPosition=1", "/asOfPosition", "contradiction")]
    [InlineData("/leads?asOfPosition=999999999", "/asOfPosition", "out-of-range")]
    [InlineData("/reports/trend", "/metric", "required")]
    [InlineData("/reports/funnel?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "/to", "contradiction")]
    [InlineData("/leads/export?format=xlsx", "/format", "unknown-word")]
    public async Task in_the_query_names_the_parameter(string path, string pointer, string code)
    {
        var answer = (await (await host.Admin()).Get(path)).IsRefused(400, "invalid-parameter");
        Assert.Equal([(pointer, code)], answer.Errors);
    }

    [Fact]
    public async Task in_the_headers_is_malformed()
    {
        var agent = await host.As("agent");
        var id = await agent.Captured();
        (await agent.Post($"/leads/{id}/notes", """{"text":"x"}""", ("If-Match", "4"))).IsRefused(400, "malformed");
        (await agent.Post($"/leads/{id}/notes", """{"text":"x"}""", ("Idempotency-Key", new string('k', 201)))).IsRefused(400, "malformed");
        (await agent.Get("/leads", ("After-Position", "soon"))).IsRefused(400, "malformed");
    }

    [Fact]
    public async Task at_an_address_that_is_not_there_is_a_problem_document_too()
    {
        var agent = await host.As("agent");
        (await agent.Get("/nowhere")).IsRefused(404, "not-found");
        (await agent.Get("/leads/17")).IsRefused(404, "not-found");
        (await agent.Client.Send(HttpMethod.Delete, "/leads", null)).IsRefused(405, "method-not-allowed");
    }

    private async Task<long> Count()
    {
        await using var count = host.Database.Superuser.CreateCommand("select count(*) from crm.mt_events where type like 'lead-%'");
        return (long)(await count.ExecuteScalarAsync(TestContext.Current.CancellationToken) ?? 0L);
    }
}

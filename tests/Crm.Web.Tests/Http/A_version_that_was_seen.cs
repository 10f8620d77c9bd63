namespace Crm.Web.Tests.Http;

public class A_version_that_was_seen(TestHost host) : IClassFixture<TestHost>
{
    [Fact]
    public async Task lets_the_command_through_while_it_stands()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured();
        (await manager.Patch($"/leads/{id}", """{"company":"Analytical"}""", ("If-Match", "\"1\""))).Is(200);
    }

    [Fact]
    public async Task that_has_passed_answers_412_with_what_changed_since()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured();
        (await manager.Patch($"/leads/{id}", """{"company":"Analytical"}""")).Is(200);

        var answer = (await manager.Patch($"/leads/{id}", """{"phone":"1"}""", ("If-Match", "\"1\""))).IsRefused(412, "version-mismatch");

        Assert.Contains(answer.Body.GetProperty("changed").EnumerateArray(), change =>
            change.GetProperty("field").GetString() == "company" && change.GetProperty("to").GetString() == "Analytical");
        var now = (await manager.Get($"/leads/{id}")).Body;
        Assert.Equal(now.GetProperty("version").GetInt64(), answer.Body.GetProperty("version").GetInt64());
        Assert.Equal(System.Text.Json.JsonValueKind.Null, now.GetProperty("phone").ValueKind);
    }

    [Fact]
    public async Task lets_one_of_many_through()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured();

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(number =>
            manager.Post($"/leads/{id}/notes", $$"""{"text":"{{number}}"}""", ("If-Match", "\"1\""))));

        Assert.Single(answers, answer => answer.Status == 200);
        Assert.Equal(15, answers.Count(answer => answer.Code == "version-mismatch"));
    }

    [Fact]
    public async Task is_not_asked_for_and_then_nobody_loses()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured();

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 64).Select(number => manager.Post($"/leads/{id}/notes", $$"""{"text":"{{number}}"}""")));

        Assert.All(answers, answer => answer.Is(200));
        Assert.Equal(65, (await manager.Get($"/leads/{id}")).Body.GetProperty("version").GetInt32());
    }

    [Fact]
    public async Task on_a_lead_that_is_not_there_is_not_found() =>
        (await (await host.As("manager")).Post($"/leads/{Guid.NewGuid()}/archive", null, ("If-Match", "\"1\""))).IsRefused(404, "not-found");

    [Fact]
    public async Task does_not_hinder_the_repetition_of_a_request_that_was_carried_out()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured();
        (string, string)[] headers = [("If-Match", "\"1\""), ("Idempotency-Key", Guid.NewGuid().ToString())];

        var first = (await manager.Patch($"/leads/{id}", """{"company":"Analytical"}""", headers)).Is(200);
        Assert.Equal(first.Text, (await manager.Patch($"/leads/{id}", """{"company":"Analytical"}""", headers)).Is(200).Text);
    }
}

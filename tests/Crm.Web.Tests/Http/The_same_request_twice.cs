namespace Crm.Web.Tests.Http;

public class The_same_request_twice(TestHost host) : IClassFixture<TestHost>
{
    private const string Body = """{"lastName":"Lovelace"}""";

    [Fact]
    public async Task has_one_effect_and_one_answer()
    {
        var manager = await host.As("manager");
        var key = Key();

        var first = (await manager.Post("/leads", Body, key)).Is(201);
        var second = (await manager.Post("/leads", Body, key)).Is(201);

        Assert.Equal(first.Text, second.Text);
        Assert.Equal(first.Header("ETag"), second.Header("ETag"));
        Assert.Equal(first.Header("Location"), second.Header("Location"));
        Assert.Null(first.Header("Idempotent-Replayed"));
        Assert.Equal("true", second.Header("Idempotent-Replayed"));
    }

    [Fact]
    public async Task at_the_same_moment_has_one_effect()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured();
        var key = Key();

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => manager.Post($"/leads/{id}/notes", """{"text":"once"}""", key)));

        Assert.Single(answers, answer => answer.Status == 200 && answer.Header("Idempotent-Replayed") is null);
        Assert.All(answers, answer => Assert.True(answer.Status == 200 || answer.Code == "request-in-flight", answer.Text));
        Assert.Equal(2, (await manager.Get($"/leads/{id}/history")).Items.Count);
    }

    [Fact]
    public async Task to_two_hosts_at_the_same_moment_has_one_effect()
    {
        var manager = await host.As("manager");
        await using var beside = TestHost.Beside(host.Database);
        using var other = beside.CreateClient();
        other.DefaultRequestHeaders.Authorization = manager.Client.DefaultRequestHeaders.Authorization;
        var there = manager with { Client = other };
        var id = await manager.Captured();

        for (var round = 1; round <= 10; round++)
        {
            var key = Key();
            var answers = await Task.WhenAll(
                manager.Post($"/leads/{id}/notes", """{"text":"once"}""", key), there.Post($"/leads/{id}/notes", """{"text":"once"}""", key));
            Assert.All(answers, answer => answer.Is(200));
            Assert.Single(answers, answer => answer.Header("Idempotent-Replayed") is null);
            Assert.Equal(answers[0].Text, answers[1].Text);
            Assert.Equal(1 + round, (await manager.Get($"/leads/{id}/history")).Items.Count);
        }
    }

    [Fact]
    public async Task across_a_restart_has_one_effect()
    {
        var key = Key();
        Answer first;
        await using (var before = TestHost.Beside(host.Database))
        {
            first = (await (await before.Admin()).Post("/leads", Body, key)).Is(201);
        }

        await using var after = TestHost.Beside(host.Database);
        var second = (await (await after.Admin()).Post("/leads", Body, key)).Is(201);

        Assert.Equal(first.Text, second.Text);
        Assert.Equal("true", second.Header("Idempotent-Replayed"));
    }

    [Fact]
    public async Task is_refused_the_same_way_even_when_it_would_be_permitted_by_now()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured();
        var key = Key();

        (await manager.Post($"/leads/{id}/qualify", null, key)).IsRefused(409, "not-contacted");
        (await manager.Post($"/leads/{id}/activities", """{"kind":"call","direction":"out","at":"2026-01-01T00:00:00Z"}""")).Is(200);

        var again = (await manager.Post($"/leads/{id}/qualify", null, key)).IsRefused(409, "not-contacted");
        Assert.Equal("true", again.Header("Idempotent-Replayed"));
    }

    [Fact]
    public async Task that_changed_nothing_still_changes_nothing()
    {
        var manager = await host.As("manager");
        var id = await manager.Captured();
        var key = Key();

        var first = (await manager.Patch($"/leads/{id}", Body, key)).Is(200);
        (await manager.Patch($"/leads/{id}", """{"lastName":"King"}""")).Is(200);
        var second = (await manager.Patch($"/leads/{id}", Body, key)).Is(200);

        Assert.Empty(first.Events);
        Assert.Equal(first.Text, second.Text);
        Assert.Equal("King", (await manager.Get($"/leads/{id}")).Body.GetProperty("lastName").GetString());
    }

    [Fact]
    public async Task with_another_body_or_address_is_refused()
    {
        var manager = await host.As("manager");
        var key = Key();
        var id = (await manager.Post("/leads", Body, key)).Is(201).Id;

        (await manager.Post("/leads", """{"lastName":"King"}""", key)).IsRefused(422, "idempotency-key-reused");
        (await manager.Post($"/leads/{id}/notes", """{"text":"x"}""", key)).IsRefused(422, "idempotency-key-reused");
    }

    [Fact]
    public async Task by_two_callers_is_two_requests()
    {
        var key = Key();
        var one = (await (await host.As("agent")).Post("/leads", Body, key)).Is(201);
        var other = (await (await host.As("manager")).Post("/leads", Body, key)).Is(201);
        Assert.NotEqual(one.Id, other.Id);
    }

    private static (string Name, string Value) Key() => ("Idempotency-Key", Guid.NewGuid().ToString());
}

namespace Crm.Web.Tests.Leads;

public class Refused_commands(TestHost host) : IClassFixture<TestHost>
{
    [Theory]
    [InlineData("assign", """{"agentId":"01a1fae7-f6e9-784b-b193-8109b352b1b5"}""")]
    [InlineData("claim", null)]
    [InlineData("unassign", null)]
    [InlineData("transfer", """{"agentId":"01a1fae7-f6e9-784b-b193-8109b352b1b5"}""")]
    [InlineData("complete-assignment", null)]
    [InlineData("activities", """{"kind":"call","direction":"in","at":"2026-01-01T00:00:00Z"}""")]
    [InlineData("notes", """{"text":"x"}""")]
    [InlineData("qualify", null)]
    [InlineData("disqualify", """{"reason":"x"}""")]
    [InlineData("reopen", null)]
    [InlineData("convert", null)]
    [InlineData("unconvert", null)]
    [InlineData("archive", null)]
    [InlineData("unarchive", null)]
    [InlineData("restore", """{"version":1}""")]
    public async Task on_a_lead_that_is_not_there_answer_404(string command, string? body) =>
        (await (await host.As("manager")).Post($"/leads/{Guid.CreateVersion7()}/{command}", body)).IsRefused(404, "not-found");

    [Theory]
    [InlineData("claim", null)]
    [InlineData("notes", """{"text":"x"}""")]
    [InlineData("qualify", null)]
    [InlineData("activities", """{"kind":"call","direction":"in","at":"2026-01-01T00:00:00Z"}""")]
    public async Task on_an_archived_lead_answer_409(string command, string? body)
    {
        var manager = await host.As("manager");
        var id = await manager.Captured();
        (await manager.Post($"/leads/{id}/archive")).Is(200);

        (await manager.Post($"/leads/{id}/{command}", body)).IsRefused(409, "archived");
        (await manager.Patch($"/leads/{id}", """{"company":"x"}""")).IsRefused(409, "archived");
        (await manager.Post($"/leads/{id}/archive")).IsRefused(409, "already-archived");
    }

    [Fact]
    public async Task on_the_id_of_a_user_find_no_lead()
    {
        var manager = await host.As("manager");
        (await manager.Post($"/leads/{manager.Id}/archive")).IsRefused(404, "not-found");
        (await manager.Patch($"/leads/{manager.Id}", """{"company":"x"}""")).IsRefused(404, "not-found");
        (await manager.Get($"/leads/{manager.Id}")).IsRefused(404, "not-found");
        (await manager.Get($"/leads/{manager.Id}/history")).IsRefused(404, "not-found");
        (await manager.Post("/leads", $$"""{"id":"{{manager.Id}}","lastName":"x"}""")).IsRefused(409, "already-exists");
    }

    [Fact]
    public async Task say_which_rule_forbids_them()
    {
        var manager = await host.As("manager");
        var fresh = await manager.Captured();
        var qualified = await manager.Qualified();

        (await manager.Post($"/leads/{fresh}/qualify")).IsRefused(409, "not-contacted");
        (await manager.Post($"/leads/{fresh}/convert")).IsRefused(409, "not-qualified");
        (await manager.Post($"/leads/{fresh}/unconvert")).IsRefused(409, "not-converted");
        (await manager.Post($"/leads/{fresh}/transfer", $$"""{"agentId":"{{manager.Id}}"}""")).IsRefused(409, "not-owner");
        (await manager.Post($"/leads/{qualified}/convert")).Is(200);
        (await manager.Post($"/leads/{qualified}/convert")).IsRefused(409, "already-converted");
        (await manager.Post($"/leads/{fresh}/disqualify")).Is(200);
        (await manager.Post($"/leads/{fresh}/disqualify")).IsRefused(409, "already-disqualified");
        var future = (await manager.Post($"/leads/{fresh}/activities", """{"kind":"call","direction":"out","at":"2999-01-01T00:00:00Z"}"""))
            .IsRefused(422, "in-the-future");
        Assert.Equal([("/at", "in-the-future")], future.Errors);
    }

    [Fact]
    public async Task are_not_for_roles_that_only_read()
    {
        var auditor = await host.As("auditor");
        (await auditor.Post("/leads", """{"lastName":"x"}""")).IsRefused(403, "forbidden");
        (await host.CreateClient().Send(HttpMethod.Post, "/leads", """{"lastName":"x"}""")).IsRefused(401, "unauthenticated");
    }
}

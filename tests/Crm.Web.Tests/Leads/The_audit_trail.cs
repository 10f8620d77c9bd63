namespace Crm.Web.Tests.Leads;

public class The_audit_trail(TestHost host) : IClassFixture<TestHost>
{
    [Fact]
    public async Task keeps_who_did_what_field_by_field()
    {
        var auditor = await host.As("auditor");
        var agent = await host.As("agent");
        var id = await agent.Captured();
        var last = (await agent.Post($"/leads/{id}/archive", """{"reason":"Twice."}""")).Is(200).Position;

        var items = (await auditor.GetAfter(last, $"/audit/events?streamId={id}")).Is(200).Items;

        Assert.Equal(["lead-archived", "lead-assigned", "lead-captured"], items.Select(item => item.GetProperty("type").GetString()));
        Assert.Equal("Twice.", items[0].GetProperty("reason").GetString());
        Assert.Equal(agent.Id.ToString(), items[0].GetProperty("actor").GetString());
        Assert.Equal("archived", items[0].GetProperty("changes")[0].GetProperty("field").GetString());
        var first = (await auditor.GetAfter(last, $"/audit/events?streamId={id}&limit=1")).Is(200);
        var cursor = first.Body.GetProperty("nextCursor").GetString();
        var next = (await auditor.Get($"/audit/events?streamId={id}&limit=1&cursor={cursor}")).Is(200).Items;
        Assert.Equal("lead-assigned", Assert.Single(next).GetProperty("type").GetString());
        (await agent.Get("/audit/events")).IsRefused(403, "forbidden");
    }
}

namespace Crm.Web.Tests.Leads;

public class Reports(TestHost host) : IClassFixture<TestHost>
{
    [Fact]
    public async Task count_what_happened_to_the_leads()
    {
        var admin = await host.Admin();
        var agent = await host.As("agent");
        var id = await agent.Captured("""{"lastName":"Lovelace","source":"referral","value":{"amount":100,"currency":"EUR"}}""");
        (await agent.Post($"/leads/{id}/activities", """{"kind":"call","direction":"out","at":"2026-01-01T00:00:00Z"}""")).Is(200);
        (await agent.Post($"/leads/{id}/qualify")).Is(200);
        var last = (await agent.Post($"/leads/{id}/convert")).Is(200).Position;
        await (await host.As("manager")).Captured();

        var funnel = (await admin.GetAfter(last + 1, "/reports/funnel")).Is(200).Items;
        Assert.Equal(
            ["new", "contacted", "qualified", "converted", "disqualified"],
            funnel.Select(line => line.GetProperty("status").GetString()));
        Assert.Equal([2, 1, 1, 1, 0], funnel.Select(line => line.GetProperty("entered").GetInt32()));
        Assert.Equal([1, 0, 0, 1, 0], funnel.Select(line => line.GetProperty("now").GetInt32()));

        var before = (await admin.GetAfter(last + 1, $"/reports/funnel?asOfPosition={last - 1}")).Is(200).Items;
        Assert.Equal([0, 0, 1, 0, 0], before.Select(line => line.GetProperty("now").GetInt32()));

        var sources = (await admin.GetAfter(last + 1, "/reports/sources")).Is(200).Items;
        Assert.Contains(
            sources, line => line.GetProperty("source").GetString() == "referral" && line.GetProperty("converted").GetInt32() == 1);
        var agents = (await admin.GetAfter(last + 1, "/reports/agents")).Is(200).Items;
        Assert.Contains(agents, line => line.GetProperty("agentId").GetGuid() == agent.Id && line.GetProperty("owned").GetInt32() == 1);
        Assert.Equal(2, (await admin.GetAfter(last + 1, "/reports/activity")).Is(200).Body.GetProperty("events").EnumerateArray()
            .Single(line => line.GetProperty("what").GetString() == "lead-captured").GetProperty("count").GetInt32());
        Assert.Equal(1, (await admin.GetAfter(last + 1, "/reports/response-times")).Is(200).Body.GetProperty("waiting").GetInt32());
        Assert.Equal(2, (await admin.GetAfter(last + 1, "/reports/trend?metric=captured&interval=month")).Is(200).Items
            .Sum(point => point.GetProperty("count").GetInt32()));
    }
}

using Crm.Testing;

namespace Crm.Web.Tests.Security.SignIn;

public sealed class My_sessions(TestHost host) : IClassFixture<TestHost>
{
    [Fact]
    public async Task are_listed_with_the_one_that_asks()
    {
        var user = await host.Register("agent");
        var elsewhere = await host.SignIn(user.Email, TestHost.UserPassword);
        var mine = (await user.Get("/me/sessions")).Is(200).Items;
        Assert.Equal(2, mine.Count);
        Assert.Single(mine, item => item.GetProperty("current").GetBoolean());
        var theirs = (await elsewhere.Get("/me/sessions")).Is(200).Items;
        Assert.Equal(
            mine.Select(item => item.GetProperty("id").GetGuid()).Order(), theirs.Select(item => item.GetProperty("id").GetGuid()).Order());
        Assert.NotEqual(Current(mine), Current(theirs));
    }

    [Fact]
    public async Task are_ended_one_by_one()
    {
        var user = await host.Register("agent");
        var lost = await host.SignIn(user.Email, TestHost.UserPassword);
        var id = Current((await lost.Get("/me/sessions")).Is(200).Items);
        (await user.Post($"/me/sessions/{id}/end")).Is(204);
        await Eventually.IsTrue(async () => (await lost.Get("/me")).Status == 401, Attempts.Ct, TimeSpan.FromSeconds(5));
        (await user.Get("/me")).Is(200);
        (await user.Post($"/me/sessions/{id}/end")).IsRefused(404, "not-found");
        Assert.Single((await user.Get("/me/sessions")).Is(200).Items);
    }

    [Fact]
    public async Task of_another_user_are_as_if_they_were_not_there()
    {
        var (user, other) = (await host.Register("agent"), await host.Register("admin"));
        var theirs = Current((await other.Get("/me/sessions")).Is(200).Items);
        var hidden = (await user.Post($"/me/sessions/{theirs}/end")).IsRefused(404, "not-found");
        var none = (await user.Post($"/me/sessions/{Guid.NewGuid()}/end")).IsRefused(404, "not-found");
        Assert.Equal(none.Body.GetProperty("detail").GetString(), hidden.Body.GetProperty("detail").GetString());
        (await other.Get("/me")).Is(200);
    }

    private static Guid Current(IEnumerable<System.Text.Json.JsonElement> sessions) =>
        sessions.Single(item => item.GetProperty("current").GetBoolean()).GetProperty("id").GetGuid();
}

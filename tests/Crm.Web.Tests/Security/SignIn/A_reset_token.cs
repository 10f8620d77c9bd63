using System.Text.Json;
using Crm.Testing;

namespace Crm.Web.Tests.Security.SignIn;

public sealed class A_reset_token(TestHost host) : IClassFixture<TestHost>
{
    private const string Next = "nine owls on two ladders";

    [Fact]
    public async Task lets_its_user_choose_a_password_once_and_ends_every_session_and_wait()
    {
        var user = await host.Register("agent");
        for (var failure = 0; failure < 5; failure++)
        {
            (await host.Login(user.Email, "not the password", "10.3.0.1")).Is(401);
        }

        (await host.Login(user.Email, TestHost.UserPassword, "10.3.0.1")).Is(429);
        var token = await Issued(user.Id);
        (await Reset(token, Next)).Is(204);
        (await host.Login(user.Email, TestHost.UserPassword, "10.3.0.1")).Is(401);
        (await host.Login(user.Email, Next, "10.3.0.1")).Is(200);
        (await host.Send("/api/v1/auth/refresh", $$"""{"refreshToken":"{{user.RefreshToken}}"}""")).Is(401);
        await Eventually.IsTrue(async () => (await user.Get("/me")).Status == 401, Attempts.Ct, TimeSpan.FromSeconds(5));
        (await Reset(token, "ten owls and no ladder")).Is(401, "invalid-reset-token");
    }

    [Fact]
    public async Task counts_once_when_it_comes_many_times_at_the_same_moment()
    {
        var token = await Issued((await host.Register("agent")).Id);
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(at => Reset(token, $"{Next} and {at} more")));
        Assert.Single(answers, answer => answer.Status == 204);
    }

    [Fact]
    public async Task is_not_used_up_by_a_password_that_may_not_be_chosen()
    {
        var user = await host.Register("agent");
        var token = await Issued(user.Id);
        (await Reset(token, "password2024!!")).Is(422, "invalid");
        (await Reset(token, user.Email)).Is(422, "invalid");
        (await Reset(token, Next)).Is(204);
    }

    [Fact]
    public async Task ends_after_an_hour_and_by_a_newer_one()
    {
        await using var later = TestHost.Beside(host.Database).InTimeWith(host);
        var user = await host.Register("agent");
        var older = await Issued(user.Id);
        var newer = await Issued(user.Id);
        (await Reset(older, Next)).Is(401, "invalid-reset-token");
        later.Clock.Move(TimeSpan.FromMinutes(61));
        (await Reset(newer, Next, later)).Is(401, "invalid-reset-token");
        (await Reset(newer, Next)).Is(204);
    }

    [Fact]
    public async Task of_a_deactivated_user_opens_nothing_and_none_is_made()
    {
        var admin = await host.Admin();
        var user = await host.Register("agent");
        var token = await Issued(user.Id);
        (await admin.Post($"/users/{user.Id}/deactivate")).Is(200);
        (await Reset(token, Next)).Is(401, "invalid-reset-token");
        (await admin.Post($"/users/{user.Id}/password-reset")).IsRefused(409, "no-password");
        (await admin.Post($"/users/{Guid.NewGuid()}/password-reset")).IsRefused(404, "not-found");
    }

    [Theory]
    [InlineData("never issued")]
    [InlineData("é")]
    [InlineData("' or 1=1 --")]
    public async Task that_is_none_is_refused_before_anything_is_hashed(string token) =>
        (await Reset(token, Next)).Is(401, "invalid-reset-token");

    [Theory]
    [InlineData("manager")]
    [InlineData("agent")]
    [InlineData("auditor")]
    [InlineData("ops")]
    public async Task is_for_admins_to_hand_out(string role)
    {
        var user = await host.As(role);
        (await user.Post($"/users/{user.Id}/password-reset")).IsRefused(403, "forbidden");
    }

    private async Task<string> Issued(Guid userId)
    {
        var issued = (await (await host.Admin()).Post($"/users/{userId}/password-reset", """{"reason":"called"}""")).Is(201);
        Assert.Equal("no-store", issued.Header("Cache-Control"));
        Assert.Equal(["token", "expiresAt"], issued.Body.EnumerateObject().Select(member => member.Name));
        return issued.Body.GetProperty("token").GetString() ?? "";
    }

    private Task<Attempt> Reset(string token, string newPassword, TestHost? asked = null) =>
        (asked ?? host).Send("/api/v1/auth/reset", JsonSerializer.Serialize(new { token, newPassword }));
}

using System.Text.Json;
using Crm.Testing;

namespace Crm.Web.Tests.Security.SignIn;

public sealed class Changing_a_password(TestHost host) : IClassFixture<TestHost>
{
    private const string Next = "nine owls on two ladders";

    // What the product promises on every host.
    private static readonly TimeSpan promised = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task gives_a_new_pair_and_ends_every_other_session_on_every_host()
    {
        await using var second = TestHost.Beside(host.Database).InTimeWith(host);
        var user = await host.Register("agent");
        var elsewhere = await second.SignIn(user.Email, TestHost.UserPassword);
        (await elsewhere.Get("/me")).Is(200);

        var pair = (await Change(user, TestHost.UserPassword, Next)).Is(200);
        Assert.Equal("no-store", pair.Header("Cache-Control"));

        foreach (var old in new[] { user, elsewhere })
        {
            await Eventually.IsTrue(async () => (await old.Get("/me")).Status == 401, Attempts.Ct, promised);
            (await host.Send("/api/v1/auth/refresh", $$"""{"refreshToken":"{{old.RefreshToken}}"}""")).Is(401, "invalid-refresh-token");
        }

        (await host.Login(user.Email, TestHost.UserPassword)).Is(401, "invalid-credentials");
        (await host.Login(user.Email, Next)).Is(200);
        var refresh = pair.Body.GetProperty("refreshToken").GetString();
        (await second.Send("/api/v1/auth/refresh", $$"""{"refreshToken":"{{refresh}}"}""")).Is(200);
        var access = pair.Body.GetProperty("accessToken").GetString() ?? "";
        using var client = host.CreateClient();
        (await client.Send(HttpMethod.Get, "/me", null, ("Authorization", $"Bearer {access}"))).Is(200);
    }

    [Theory]
    [InlineData("not the password", Next, "/currentPassword", "wrong-password")]
    [InlineData(TestHost.UserPassword, "password2024!!", "/newPassword", "too-common")]
    [InlineData(TestHost.UserPassword, "too short", "/newPassword", "too-short")]
    [InlineData(TestHost.UserPassword, TestHost.UserPassword, "/newPassword", "same-as-before")]
    public async Task is_refused_with_the_field_and_changes_nothing(string current, string next, string pointer, string code)
    {
        var user = await host.Register("agent");
        var refused = (await Change(user, current, next)).IsRefused(422, "invalid");
        Assert.Contains((pointer, code), refused.Errors);
        Assert.DoesNotContain(next, refused.Text, StringComparison.Ordinal);
        (await user.Get("/me")).Is(200);
        (await host.Login(user.Email, TestHost.UserPassword)).Is(200);
    }

    [Fact]
    public async Task to_the_own_address_is_refused()
    {
        var user = await host.Register("agent");
        var refused = (await Change(user, TestHost.UserPassword, user.Email)).IsRefused(422, "invalid");
        Assert.Contains(("/newPassword", "too-common"), refused.Errors);
    }

    [Fact]
    public async Task twice_at_the_same_moment_happens_once()
    {
        var user = await host.Register("agent");
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 3).Select(at => Change(user, TestHost.UserPassword, $"{Next} and {at} more")));
        Assert.Single(answers, answer => answer.Status == 200);
    }

    [Fact]
    public async Task ends_a_reset_token_that_waits()
    {
        var admin = await host.Admin();
        var user = await host.Register("agent");
        var token = (await admin.Post($"/users/{user.Id}/password-reset")).Is(201).Body.GetProperty("token").GetString();
        (await Change(user, TestHost.UserPassword, Next)).Is(200);
        (await host.Send("/api/v1/auth/reset", JsonSerializer.Serialize(new { token, newPassword = Next }))).Is(401, "invalid-reset-token");
    }

    private static Task<Answer> Change(SignedInUser user, string currentPassword, string newPassword) =>
        user.Post("/auth/password", JsonSerializer.Serialize(new { currentPassword, newPassword }));
}

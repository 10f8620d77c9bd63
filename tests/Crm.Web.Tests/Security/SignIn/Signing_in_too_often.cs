using System.Globalization;
using Crm.Web.Security;

namespace Crm.Web.Tests.Security.SignIn;

public sealed class Signing_in_too_often : IClassFixture<TestHost>
{
    private static int networks;

    private readonly TestHost host;

    // A wait of a second must not be over because the machine took a second for something else.
    public Signing_in_too_often(TestHost host)
    {
        this.host = host;
        host.Clock.Stop();
    }

    [Fact]
    public async Task waits_longer_with_each_failure_whatever_the_password_and_is_forgiven_by_a_success()
    {
        var user = await host.Register("agent");
        var from = Network();
        await Fail(user.Email, from, 5);
        Assert.Equal("1", (await host.Login(user.Email, TestHost.UserPassword, from)).Is(429, "too-many-attempts").RetryAfter);

        host.Clock.Move(TimeSpan.FromSeconds(1.1));
        await Fail(user.Email, from, 1);
        Assert.Equal("2", (await host.Login(user.Email, TestHost.UserPassword, from)).Is(429).RetryAfter);

        host.Clock.Move(TimeSpan.FromSeconds(2.1));
        (await host.Login(user.Email, TestHost.UserPassword, from)).Is(200);
        await Fail(user.Email, from, 5);
    }

    [Fact]
    public async Task waits_alike_for_an_account_that_does_not_exist()
    {
        var user = await host.Register("agent");
        var (known, unknown) = (Network(), Network());
        for (var failure = 0; failure < 7; failure++)
        {
            var one = await host.Login(user.Email, "not the password", known);
            var other = await host.Login($"nobody-{user.Email}", "not the password", unknown);
            Assert.Equal((one.Status, one.Code, one.RetryAfter), (other.Status, other.Code, other.RetryAfter));
            Assert.Equal(one.Body.GetProperty("detail").GetString(), other.Body.GetProperty("detail").GetString());
        }
    }

    [Fact]
    public async Task costs_one_comparison_for_each_try_and_none_while_it_waits()
    {
        await using var own = TestHost.Beside(host.Database).InTimeWith(host);
        own.Clock.Stop();
        var user = await own.Register("agent");
        var credentials = own.Services.GetRequiredService<Credentials>();
        foreach (var email in new[] { user.Email, $"nobody-{user.Email}" })
        {
            var (before, from) = (credentials.Compared, Network());
            await Fail(email, from, 5, own);
            Assert.Equal(before + 5, credentials.Compared);
            (await own.Login(email, "not the password", from)).Is(429);
            Assert.Equal(before + 5, credentials.Compared);
        }
    }

    [Fact]
    public async Task counts_over_two_hosts()
    {
        await using var second = TestHost.Beside(host.Database).InTimeWith(host);
        second.Clock.Stop();
        var user = await host.Register("agent");
        var from = Network();
        await Fail(user.Email, from, 3);
        await Fail(user.Email, from, 2, second);
        (await host.Login(user.Email, TestHost.UserPassword, from)).Is(429);
        (await second.Login(user.Email, TestHost.UserPassword, from)).Is(429);
    }

    [Fact]
    public async Task by_strangers_does_not_lock_the_owner_out()
    {
        var user = await host.Register("agent");
        var home = Network();
        (await host.Login(user.Email, TestHost.UserPassword, home)).Is(200);
        for (var stranger = 0; stranger < 30; stranger++)
        {
            (await host.Login(user.Email, "a guess of a stranger", Network())).Is(401);
        }

        (await host.Login(user.Email, "a guess of a stranger", Network())).Is(429);
        (await host.Login(user.Email, TestHost.UserPassword, home)).Is(200);
    }

    [Fact]
    public async Task is_ended_by_an_admin()
    {
        var admin = await host.Admin();
        var user = await host.Register("agent");
        var from = Network();
        await Fail(user.Email, from, 5);
        (await host.Login(user.Email, TestHost.UserPassword, from)).Is(429);
        (await admin.Post($"/users/{user.Id}/unlock", """{"reason":"called"}""")).Is(204);
        (await host.Login(user.Email, TestHost.UserPassword, from)).Is(200);
        (await admin.Post($"/users/{Guid.NewGuid()}/unlock")).IsRefused(404, "not-found");
        (await user.Post($"/users/{user.Id}/unlock")).IsRefused(403, "forbidden");
    }

    [Fact]
    public async Task counts_wrong_passwords_of_those_who_are_signed_in_too()
    {
        var user = await host.Register("agent");
        for (var failure = 0; failure < 5; failure++)
        {
            (await user.Post("/auth/password", """{"currentPassword":"a guess","newPassword":"nine owls on two ladders"}""")).Is(422);
        }

        (await user.Post("/me/second-factor", $$"""{"password":"{{TestHost.UserPassword}}"}""")).IsRefused(429, "too-many-attempts");
        (await host.Login(user.Email, TestHost.UserPassword)).Is(429);
    }

    private static string Network()
    {
        var number = Interlocked.Increment(ref networks);
        return string.Create(CultureInfo.InvariantCulture, $"10.2.{number >> 8}.{number & 255}");
    }

    private async Task Fail(string email, string from, int times, TestHost? asked = null)
    {
        for (var failure = 0; failure < times; failure++)
        {
            (await (asked ?? host).Login(email, "not the password", from)).Is(401, "invalid-credentials");
        }
    }
}

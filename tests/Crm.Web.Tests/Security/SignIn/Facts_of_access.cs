using System.Globalization;
using System.Text.Json;
using Crm.Domain.Access;
using Crm.EventStore.Log;
using Crm.Testing;
using Crm.Web.Security;

namespace Crm.Web.Tests.Security.SignIn;

public sealed class Facts_of_access(TestHost host) : IClassFixture<TestHost>
{
    private const string Next = "nine owls on two ladders";
    private const string From = "10.4.0.1";

    [Fact]
    public async Task stand_in_the_log_and_the_audit_trail_without_a_secret()
    {
        var admin = await host.Admin();
        var user = await host.Register("agent");
        for (var failure = 0; failure < 5; failure++)
        {
            (await host.Login(user.Email, "a password that was mistyped", From)).Is(401);
        }

        (await admin.Post($"/users/{user.Id}/unlock", """{"reason":"called"}""")).Is(204);
        var first = (await host.Login(user.Email, TestHost.UserPassword, From)).Is(200);
        var changed = (await user.Post(
            "/auth/password", JsonSerializer.Serialize(new { currentPassword = TestHost.UserPassword, newPassword = Next }))).Is(200);
        var token = (await admin.Post($"/users/{user.Id}/password-reset")).Is(201).Body.GetProperty("token").GetString() ?? "";
        (await host.Send("/api/v1/auth/reset", JsonSerializer.Serialize(new { token, newPassword = TestHost.UserPassword }))).Is(204);
        var again = await host.SignIn(user.Email, TestHost.UserPassword);
        (await again.Post("/auth/logout")).Is(204);

        var last = await host.SignIn(user.Email, TestHost.UserPassword);
        var renewed = (await host.Send("/api/v1/auth/refresh", $$"""{"refreshToken":"{{last.RefreshToken}}"}""")).Is(200);
        (await host.Send("/api/v1/auth/refresh", $$"""{"refreshToken":"{{last.RefreshToken}}"}""")).Is(401);
        var inside = await host.SignIn(user.Email, TestHost.UserPassword);
        (await admin.Post($"/users/{user.Id}/sessions/end", """{"reason":"a lost laptop"}""")).Is(204);
        (await admin.Post($"/users/{user.Id}/deactivate")).Is(200);
        (await host.Login(user.Email, TestHost.UserPassword, From)).Is(401);

        var expected = new Dictionary<string, int>(StringComparer.Ordinal)
        {
            ["signed-in"] = 6,
            ["sign-in-failed"] = 6,
            ["sign-in-delayed"] = 1,
            ["sign-in-unlocked"] = 1,
            ["password-changed"] = 1,
            ["password-reset-issued"] = 1,
            ["password-reset"] = 1,
        };
        var stored = await Eventually.Value(
            async () => await Facts(user.Id) is var facts
                && expected.All(kind => facts.Count(fact => fact.Type == kind.Key) >= kind.Value) ? facts : null,
            Attempts.Ct);
        foreach (var (type, count) in expected)
        {
            Assert.Equal((type, count), (type, stored.Count(fact => fact.Type == type)));
        }

        var endings = stored.Select(fact => fact.Data).OfType<SessionEnded>().Select(ended => ended.Why).ToList();
        Assert.Single(endings, SessionEnding.SignedOut);
        Assert.Single(endings, SessionEnding.RefreshTokenReused);
        Assert.Single(endings, SessionEnding.EndedByAdmin);
        Assert.Equal(3, endings.Count(why => why is SessionEnding.PasswordChanged));
        Assert.Equal(From, stored.Select(fact => fact.Data).OfType<SignedIn>().Skip(1).First().From);
        Assert.Contains(stored, fact => fact.Data is SignInFailed { Why: SignInFailure.Inactive });

        // A session's beginning and end share its stream; the reason is the admin's, and so is the deed.
        var session = stored.Single(fact => fact.Data is SessionEnded { Why: SessionEnding.EndedByAdmin });
        Assert.Equal((2, "a lost laptop", admin.Id.ToString()), (session.Version, session.Envelope.Reason, session.Envelope.Actor));

        var position = stored.Max(fact => fact.Position);
        foreach (var type in expected.Keys)
        {
            Assert.NotEmpty((await admin.GetAfter(position, $"/audit/events?type={type}")).Is(200).Items);
        }

        string[] secrets =
        [
            TestHost.UserPassword, Next, "a password that was mistyped", token, user.Email, user.RefreshToken, last.RefreshToken,
            inside.AccessToken,
            .. new[] { first.Body, changed.Body, renewed.Body }.Select(pair => pair.GetProperty("refreshToken").GetString() ?? ""),
        ];
        var everything = await AsStored();
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, everything, StringComparison.OrdinalIgnoreCase));
        Assert.All(secrets, secret => Assert.DoesNotContain(host.Log.Lines, line => line.Contains(secret, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task of_strangers_are_counted_by_network_and_do_not_fill_the_log()
    {
        var failures = host.Services.GetRequiredService<FailedSignIns>();
        failures.EndMinute();
        host.Clock.Move(TimeSpan.FromMinutes(1));
        for (var failure = 0; failure < 10_000; failure++)
        {
            failures.Stranger(string.Create(CultureInfo.InvariantCulture, $"10.5.{failure / 100}.0"));
        }

        failures.EndMinute();
        var facts = await Eventually.Value(
            async () => await Strangers() is { Count: >= FailedSignIns.MostOfStrangers } found ? found : null, Attempts.Ct);
        Assert.Equal(FailedSignIns.MostOfStrangers, facts.Count);
        Assert.All(facts, fact => Assert.Equal(100, fact.Count));
    }

    private async Task<IReadOnlyList<SignInFailed>> Strangers() =>
        [.. (await All()).Select(fact => fact.Data).OfType<SignInFailed>()
            .Where(fact => fact.From?.StartsWith("10.5.", StringComparison.Ordinal) is true)];

    private async Task<IReadOnlyList<RecordedEvent>> Facts(Guid userId) => [.. (await All()).Where(fact => fact.Data switch
    {
        SignedIn happened => happened.UserId == userId,
        SessionEnded happened => happened.UserId == userId,
        SignInFailed happened => happened.UserId == userId,
        SignInDelayed happened => happened.UserId == userId,
        SignInUnlocked happened => happened.UserId == userId,
        PasswordChanged happened => happened.UserId == userId,
        PasswordResetIssued happened => happened.UserId == userId,
        PasswordReset happened => happened.UserId == userId,
        _ => false,
    })];

    private async Task<IReadOnlyList<RecordedEvent>> All() =>
        await host.Services.GetRequiredService<EventLog>().ReadAfter(0, 10_000, Attempts.Ct);

    private async Task<string> AsStored()
    {
        await using var read = host.Database.Superuser.CreateCommand(
            "select string_agg(e::text, ' ') from crm.mt_events e join crm.mt_streams s on s.id = e.stream_id where s.type = 'access'");
        return await read.ExecuteScalarAsync(Attempts.Ct) as string ?? "";
    }
}

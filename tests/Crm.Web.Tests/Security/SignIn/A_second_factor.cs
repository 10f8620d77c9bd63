using System.Text.Json;
using Crm.Web.Security;
using Npgsql;

namespace Crm.Web.Tests.Security.SignIn;

public sealed class A_second_factor(TestHost host) : IClassFixture<TestHost>
{
    private static readonly TimeSpan step = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task is_asked_for_after_the_right_password_only()
    {
        var (user, secret, _) = await Enrolled();
        (await host.Login(user.Email, TestHost.UserPassword)).Is(401, "second-factor-required");
        (await host.Login(user.Email, "not the password")).Is(401, "invalid-credentials");
        (await host.Login(user.Email, "not the password", code: CodeNow(secret))).Is(401, "invalid-credentials");
        (await host.Login(user.Email, TestHost.UserPassword, code: CodeNow(secret))).Is(200);
    }

    [Fact]
    public async Task takes_each_code_once_on_whatever_host()
    {
        await using var second = TestHost.Beside(host.Database).InTimeWith(host);
        var (user, secret, _) = await Enrolled();
        second.InTimeWith(host);
        var code = CodeNow(secret);
        var answers = await Task.WhenAll(
            new[] { host, second, host, second }.Select(one => one.Login(user.Email, TestHost.UserPassword, code: code)));
        Assert.Single(answers, answer => answer.Status == 200);
        Assert.Equal(3, answers.Count(answer => answer.Code is "invalid-code"));
    }

    [Fact]
    public async Task takes_a_code_of_a_clock_that_is_half_a_minute_off_and_none_of_one_that_is_more()
    {
        var (user, secret, _) = await Enrolled();
        var now = Totp.StepAt(host.Clock.GetUtcNow());
        foreach (var away in new[] { -2, 2, 100 })
        {
            (await host.Login(user.Email, TestHost.UserPassword, code: Totp.Code(secret, now + away))).Is(401, "invalid-code");
        }

        (await host.Login(user.Email, TestHost.UserPassword, code: Totp.Code(secret, now + 1))).Is(200);
        (await host.Login(user.Email, TestHost.UserPassword, code: Totp.Code(secret, now))).Is(401, "invalid-code");
    }

    [Fact]
    public async Task guessed_wrong_counts_as_a_failure_to_sign_in_and_asking_for_it_does_not()
    {
        var (user, secret, _) = await Enrolled();
        for (var asked = 0; asked < 6; asked++)
        {
            (await host.Login(user.Email, TestHost.UserPassword)).Is(401, "second-factor-required");
        }

        for (var guessed = 0; guessed < 5; guessed++)
        {
            (await host.Login(user.Email, TestHost.UserPassword, code: "000000")).Is(401, "invalid-code");
        }

        (await host.Login(user.Email, TestHost.UserPassword, code: CodeNow(secret))).Is(429, "too-many-attempts");
    }

    [Fact]
    public async Task has_recovery_codes_that_stand_in_for_it_once()
    {
        var (user, _, codes) = await Enrolled();
        Assert.Equal(SecondFactors.RecoveryCodes, codes.Distinct().Count());
        (await host.Login(user.Email, TestHost.UserPassword, code: codes[0].ToUpperInvariant())).Is(200);
        (await host.Login(user.Email, TestHost.UserPassword, code: codes[0])).Is(401, "invalid-code");
        (await host.Login(user.Email, TestHost.UserPassword, code: codes[1].Replace("-", " ", StringComparison.Ordinal))).Is(200);

        // Another user's codes are nobody else's.
        var (other, _, _) = await Enrolled();
        (await host.Login(other.Email, TestHost.UserPassword, code: codes[2])).Is(401, "invalid-code");
    }

    [Fact]
    public async Task counts_only_once_it_is_confirmed_by_a_code_of_the_latest_secret()
    {
        var user = await host.Register("agent");
        (await user.Post("/me/second-factor/confirm", """{"code":"123456"}""")).IsRefused(409, "no-second-factor");
        var older = await Offered(user);
        var newer = await Offered(user);
        (await user.Post("/me/second-factor/confirm", $$"""{"code":"{{CodeNow(older)}}"}""")).IsRefused(422, "invalid");
        (await host.Login(user.Email, TestHost.UserPassword)).Is(200);
        (await user.Post("/me/second-factor/confirm", $$"""{"code":"{{CodeNow(newer)}}"}""")).Is(200);
        (await user.Post("/me/second-factor/confirm", $$"""{"code":"{{CodeNow(newer)}}"}""")).IsRefused(409, "second-factor-enabled");
        (await user.Post("/me/second-factor", Password(TestHost.UserPassword))).IsRefused(409, "second-factor-enabled");
        (await host.Login(user.Email, TestHost.UserPassword)).Is(401, "second-factor-required");
    }

    [Fact]
    public async Task is_not_offered_to_somebody_who_merely_holds_a_token()
    {
        var user = await host.Register("agent");
        var refused = (await user.Post("/me/second-factor", Password("not the password"))).IsRefused(422, "invalid");
        Assert.Contains(("/password", "wrong-password"), refused.Errors);
    }

    [Fact]
    public async Task is_removed_by_password_and_code_together()
    {
        var (user, secret, codes) = await Enrolled();
        (await Remove(user, TestHost.UserPassword, "000000")).IsRefused(422, "invalid");
        (await Remove(user, "not the password", codes[0])).IsRefused(422, "invalid");
        (await host.Login(user.Email, TestHost.UserPassword)).Is(401, "second-factor-required");
        (await Remove(user, TestHost.UserPassword, CodeNow(secret))).Is(204);
        (await Remove(user, TestHost.UserPassword, codes[0])).IsRefused(409, "no-second-factor");
        (await host.Login(user.Email, TestHost.UserPassword)).Is(200);
    }

    [Fact]
    public async Task is_removed_by_an_admin_for_a_user_who_has_lost_it()
    {
        var admin = await host.Admin();
        var (user, _, codes) = await Enrolled();
        (await user.Post($"/users/{user.Id}/second-factor/remove")).IsRefused(403, "forbidden");
        (await admin.Post($"/users/{Guid.NewGuid()}/second-factor/remove")).IsRefused(404, "not-found");
        (await admin.Post($"/users/{user.Id}/second-factor/remove", """{"reason":"lost"}""")).Is(204);
        (await host.Login(user.Email, TestHost.UserPassword)).Is(200);
        var secret = await Offered(user);
        (await user.Post("/me/second-factor/confirm", $$"""{"code":"{{CodeNow(secret)}}"}""")).Is(200);
        (await host.Login(user.Email, TestHost.UserPassword, code: codes[0])).Is(401, "invalid-code");
    }

    [Fact]
    public async Task is_kept_sealed_and_its_recovery_codes_hashed()
    {
        var (user, secret, codes) = await Enrolled();
        await using var read = host.Database.Superuser.CreateCommand(
            """
            select f.secret, (select string_agg(r::text, ' ') from crm.recovery_codes r where r.user_id = f.user_id)
            from crm.second_factors f where f.user_id = $1
            """);
        read.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = user.Id });
        await using var row = await read.ExecuteReaderAsync(Attempts.Ct);
        Assert.True(await row.ReadAsync(Attempts.Ct));
        var kept = row.GetFieldValue<byte[]>(0);
        Assert.True(kept.AsSpan().IndexOf(secret) < 0);
        var text = row.GetString(1);
        Assert.All(codes, code => Assert.DoesNotContain(code.Replace("-", "", StringComparison.Ordinal), text, StringComparison.Ordinal));
    }

    private static string Password(string password) => JsonSerializer.Serialize(new { password });

    private static Task<Answer> Remove(SignedInUser user, string password, string code) =>
        user.Post("/me/second-factor/remove", JsonSerializer.Serialize(new { password, code }));

    private static async Task<byte[]> Offered(SignedInUser user)
    {
        var offered = (await user.Post("/me/second-factor", Password(TestHost.UserPassword))).Is(201);
        Assert.Equal("no-store", offered.Header("Cache-Control"));
        var text = offered.Body.GetProperty("secret").GetString() ?? "";
        Assert.Contains($"secret={text}&", offered.Body.GetProperty("uri").GetString(), StringComparison.Ordinal);
        return Bytes(text);
    }

    // As an app reads what people type.
    private static byte[] Bytes(string base32)
    {
        var (bytes, buffer, bits) = (new List<byte>(), 0, 0);
        foreach (var sign in base32)
        {
            var value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(sign, StringComparison.Ordinal);
            (buffer, bits) = (((buffer << 5) | value) & 0xFFFF, bits + 5);
            if (bits >= 8)
            {
                bits -= 8;
                bytes.Add((byte)(buffer >> bits));
            }
        }

        return [.. bytes];
    }

    private string CodeNow(byte[] secret) => Totp.Code(secret, Totp.StepAt(host.Clock.GetUtcNow()));

    // With the clock a step ahead of the code that confirmed it.
    private async Task<(SignedInUser User, byte[] Secret, IReadOnlyList<string> RecoveryCodes)> Enrolled()
    {
        var user = await host.Register("agent");
        var secret = await Offered(user);
        var confirmed = (await user.Post("/me/second-factor/confirm", $$"""{"code":"{{CodeNow(secret)}}"}""")).Is(200);
        Assert.Equal("no-store", confirmed.Header("Cache-Control"));
        host.Clock.Move(step);
        return (
            user, secret, [.. confirmed.Body.GetProperty("recoveryCodes").EnumerateArray().Select(code => code.GetString() ?? "")]);
    }
}

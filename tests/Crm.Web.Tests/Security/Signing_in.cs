using System.Buffers.Binary;
using System.Net;
using System.Text.Json;
using Crm.Web.Security;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Crm.Web.Tests.Security;

public sealed class Signing_in(TestHost host) : IClassFixture<TestHost>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task gives_a_pair_of_tokens_that_no_cache_may_keep()
    {
        using var answer = await Try(TestHost.AdminEmail, TestHost.AdminPassword);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.True(answer.Headers.CacheControl?.NoStore);
        var tokens = await answer.Content.ReadFromJsonAsync<JsonElement>(Ct);
        Assert.Equal(["accessToken", "expiresIn", "refreshToken"], tokens.EnumerateObject().Select(member => member.Name));
        Assert.Equal(900, tokens.GetProperty("expiresIn").GetInt32());
    }

    [Fact]
    public async Task goes_by_a_hash_of_as_many_rounds_as_are_set_and_makes_older_ones_so()
    {
        Assert.Equal(210_000, new SecurityOptions().PasswordRounds);
        var user = await host.Register("agent");
        Assert.Equal(TestHost.PasswordRounds, await RoundsOf(user.Id));
        var few = new PasswordHasher<object>(Options.Create(new PasswordHasherOptions { IterationCount = 1_000 }));
        await using (var weaken = host.Database.App.CreateCommand("update crm.credentials set password_hash = $2 where user_id = $1"))
        {
            weaken.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = user.Id });
            weaken.Parameters.Add(new NpgsqlParameter<string> { TypedValue = few.HashPassword(user, TestHost.UserPassword) });
            await weaken.ExecuteNonQueryAsync(Ct);
        }

        Assert.Equal(1_000, await RoundsOf(user.Id));
        await host.SignIn(user.Email, TestHost.UserPassword);
        Assert.Equal(TestHost.PasswordRounds, await RoundsOf(user.Id));
    }

    // Identity's third format: a byte for the format, four for the function, four for the rounds.
    private async Task<int> RoundsOf(Guid userId)
    {
        await using var ask = host.Database.App.CreateCommand("select password_hash from crm.credentials where user_id = $1");
        ask.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        var hash = Convert.FromBase64String((string)(await ask.ExecuteScalarAsync(Ct) ?? ""));
        return BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(5));
    }

    [Fact]
    public async Task lets_the_user_see_who_they_are()
    {
        var manager = await host.As("manager");
        var me = await manager.Client.GetFromJsonAsync<JsonElement>("/api/v1/me", Ct);
        Assert.Equal(manager.Email, me.GetProperty("email").GetString());
        Assert.Equal("manager", me.GetProperty("role").GetString());
        Assert.True(me.GetProperty("active").GetBoolean());
    }

    [Fact]
    public async Task takes_the_address_in_any_case()
    {
        using var answer = await Try(TestHost.AdminEmail.ToUpperInvariant(), TestHost.AdminPassword);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task is_refused_alike_for_a_wrong_password_an_unknown_address_and_a_deactivated_user()
    {
        var admin = await host.Admin();
        var gone = await host.Register("agent");
        using var deactivated = await admin.Client.PostAsync($"/api/v1/users/{gone.Id}/deactivate", content: null, Ct);
        Assert.Equal(HttpStatusCode.OK, deactivated.StatusCode);

        foreach (var (email, password) in new[]
        {
            (TestHost.AdminEmail, "not the password"),
            ("nobody@example.com", TestHost.AdminPassword),
            (gone.Email, TestHost.UserPassword),
            ("' or 1=1 --", "' or 1=1 --"),
            (TestHost.AdminEmail, ""),
        })
        {
            using var answer = await Try(email, password);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            Assert.Equal("Bearer", Assert.Single(answer.Headers.WwwAuthenticate).Scheme);
            var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(Ct);
            Assert.Equal("invalid-credentials", problem.GetProperty("code").GetString());
            Assert.Equal(
                "The e-mail address or the password is wrong, or the user may not sign in.", problem.GetProperty("detail").GetString());
        }
    }

    [Theory]
    [InlineData("""{"email":"a@example.com"}""")]
    [InlineData("""{"email":"a@example.com","password":null}""")]
    [InlineData("""{"email":"a@example.com","password":12}""")]
    [InlineData("""{"email":"","password":"x"}""")]
    [InlineData("""{"email":"a@example.com","password":"x","admin":true}""")]
    [InlineData("""{"email":"a\u0000@example.com","password":"x"}""")]
    public async Task is_refused_for_a_body_of_another_shape(string body)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var answer = await host.CreateClient().PostAsync("/api/v1/auth/login", content, Ct);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
    }

    [Fact]
    public async Task leaves_neither_password_nor_token_in_the_log()
    {
        var agent = await host.Register("agent");
        using var refused = await Try(agent.Email, "a wrong password that was typed");
        foreach (var line in host.Log.Lines)
        {
            foreach (var secret in new[]
            {
                TestHost.UserPassword, TestHost.AdminPassword, "a wrong password", agent.AccessToken, agent.RefreshToken, agent.Email,
            })
            {
                Assert.DoesNotContain(secret, line, StringComparison.Ordinal);
            }
        }

        Assert.Contains(host.Log.Lines, line => line.Contains($"User {agent.Id} signed in", StringComparison.Ordinal));
    }

    private Task<HttpResponseMessage> Try(string email, string password) =>
        host.CreateClient().PostAsJsonAsync("/api/v1/auth/login", new { email, password }, Ct);
}

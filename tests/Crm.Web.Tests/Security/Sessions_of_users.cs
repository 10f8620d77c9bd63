using System.Net;
using System.Text.Json;
using Crm.Testing;
using Crm.Web.Security;
using Npgsql;

namespace Crm.Web.Tests.Security;

public sealed class Sessions_of_users(TestHost host) : IClassFixture<TestHost>
{
    // What the product promises on every host.
    private static readonly TimeSpan Promised = TimeSpan.FromSeconds(5);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task are_renewed_by_a_refresh_token()
    {
        var agent = await host.Register("agent");
        var (access, refresh) = await Renewed(agent.RefreshToken);
        Assert.NotEqual(agent.RefreshToken, refresh);
        Assert.NotEqual(agent.AccessToken, access);
        Assert.Equal(HttpStatusCode.OK, await StatusOfMe(access));
        await Renewed(refresh);
    }

    [Fact]
    public async Task end_when_a_refresh_token_comes_twice()
    {
        var agent = await host.Register("agent");
        var (access, refresh) = await Renewed(agent.RefreshToken);
        await AssertNotRenewed(agent.RefreshToken);
        await AssertNotRenewed(refresh);
        await Eventually.IsTrue(async () => await StatusOfMe(access) == HttpStatusCode.Unauthorized, Ct, Promised);
    }

    [Fact]
    public async Task are_renewed_once_when_a_refresh_token_comes_many_times_at_the_same_moment_and_go_on()
    {
        var agent = await host.Register("agent");
        var sessions = host.Services.GetRequiredService<Sessions>();
        var now = host.Clock.GetUtcNow();
        List<Task<Renewal>> tabs = [];
        await using (await Held(agent.Id))
        {
            // All are under way before the first of them can use the token.
            tabs.AddRange(Enumerable.Range(0, 8).Select(_ => sessions.Renew(agent.RefreshToken, now, Ct)));
        }

        var renewals = await Task.WhenAll(tabs);
        var renewed = Assert.Single(renewals.OfType<Renewal.Renewed>());
        Assert.Equal(7, renewals.OfType<Renewal.Raced>().Count());

        // The fastest tab goes on; the token of the race, once more and afterwards, is a theft.
        var (_, refresh) = await Renewed(renewed.Session.RefreshToken);
        await AssertNotRenewed(agent.RefreshToken);
        await AssertNotRenewed(refresh);
    }

    [Fact]
    public async Task go_on_when_two_tabs_renew_them_on_two_hosts_at_the_same_moment()
    {
        await using var second = TestHost.Beside(host.Database);
        var agent = await host.Register("agent");
        List<Task<HttpResponseMessage>> tabs;
        await using (await Held(agent.Id))
        {
            tabs = [Renew(agent.RefreshToken), Renew(agent.RefreshToken, second)];
            await Eventually.IsTrue(async () => await Waiting() == 2, Ct);
        }

        var answers = await Task.WhenAll(tabs);
        using var renewed = Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
        using var raced = Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Conflict);
        Assert.Equal(TimeSpan.FromSeconds(1), raced.Headers.RetryAfter?.Delta);
        var problem = await raced.Content.ReadFromJsonAsync<JsonElement>(Ct);
        Assert.Equal("refresh-raced", problem.GetProperty("code").GetString());
        await Renewed(await RefreshTokenOf(renewed));
    }

    [Fact]
    public async Task that_began_with_an_older_credential_are_not_renewed()
    {
        // As when a password is changed between the look at the old one and the beginning of the session.
        var agent = await host.Register("agent");
        var sessions = host.Services.GetRequiredService<Sessions>();
        var late = await sessions.Begin(agent.Id, Guid.NewGuid(), Ct);
        await AssertNotRenewed(late.RefreshToken);
    }

    [Fact]
    public async Task end_by_signing_out_and_no_other_session_does()
    {
        var agent = await host.Register("agent");
        var elsewhere = await host.SignIn(agent.Email, TestHost.UserPassword);
        using (var answer = await agent.Client.PostAsync("/api/v1/auth/logout", content: null, Ct))
        {
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        }

        await AssertNotRenewed(agent.RefreshToken);
        await Eventually.IsTrue(async () => await StatusOfMe(agent.AccessToken) == HttpStatusCode.Unauthorized, Ct, Promised);
        Assert.Equal(HttpStatusCode.OK, await StatusOfMe(elsewhere.AccessToken));
        await Renewed(elsewhere.RefreshToken);
    }

    [Fact]
    public async Task end_when_the_user_is_deactivated_on_every_host_and_stay_ended()
    {
        await using var second = TestHost.Beside(host.Database);
        var admin = await host.Admin();
        var agent = await host.Register("agent");
        Assert.Equal(HttpStatusCode.OK, await StatusOfMe(agent.AccessToken, second));

        using (var answer = await admin.Client.PostAsJsonAsync($"/api/v1/users/{agent.Id}/deactivate", new { reason = "left" }, Ct))
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        await Eventually.IsTrue(async () => await StatusOfMe(agent.AccessToken, second) == HttpStatusCode.Unauthorized, Ct, Promised);
        await Eventually.IsTrue(async () => await StatusOfMe(agent.AccessToken) == HttpStatusCode.Unauthorized, Ct, Promised);
        await AssertNotRenewed(agent.RefreshToken);

        using (var answer = await admin.Client.PostAsync($"/api/v1/users/{agent.Id}/activate", content: null, Ct))
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        await AssertNotRenewed(agent.RefreshToken);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusOfMe(agent.AccessToken));
        await host.SignIn(agent.Email, TestHost.UserPassword);
    }

    [Fact]
    public async Task take_on_a_changed_role_without_a_new_login()
    {
        var admin = await host.Admin();
        var user = await host.Register("agent");
        Assert.Equal(HttpStatusCode.Forbidden, await StatusOf("/api/v1/users", user.AccessToken, host));
        using (var answer = await admin.Client.PatchAsJsonAsync($"/api/v1/users/{user.Id}", new { role = "admin" }, Ct))
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        await Eventually.IsTrue(
            async () => await StatusOf("/api/v1/users", user.AccessToken, host) == HttpStatusCode.OK, Ct, Promised);
    }

    [Fact]
    public async Task last_no_longer_than_they_were_to_last_however_often_they_are_renewed()
    {
        await using var own = TestHost.Beside(host.Database);
        var agent = await host.Register("agent");
        own.Clock.Move(TimeSpan.FromHours(11));
        var (_, refresh) = await Renewed(agent.RefreshToken, own);
        own.Clock.Move(TimeSpan.FromHours(1));
        await AssertNotRenewed(refresh, own);
    }

    [Theory]
    [InlineData("never issued")]
    [InlineData("é")]
    public async Task are_not_renewed_by_anything_else(string token) => await AssertNotRenewed(token);

    private static async Task<HttpStatusCode> StatusOf(string path, string token, TestHost asked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Authorization", $"Bearer {token}");
        using var answer = await asked.CreateClient().SendAsync(request, Ct);
        return answer.StatusCode;
    }

    private static async Task<string> RefreshTokenOf(HttpResponseMessage answer) =>
        (await answer.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("refreshToken").GetString() ?? "";

    // Nobody can use the user's refresh tokens until it is disposed of, which ends its transaction.
    private async Task<NpgsqlConnection> Held(Guid userId)
    {
        var connection = await host.Database.Superuser.OpenConnectionAsync(Ct);
        await connection.BeginTransactionAsync(Ct);
        await using var hold = new NpgsqlCommand("select 1 from crm.refresh_tokens where user_id = $1 for update", connection);
        hold.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = userId });
        await hold.ExecuteNonQueryAsync(Ct);
        return connection;
    }

    private async Task<long> Waiting()
    {
        await using var ask = host.Database.Superuser.CreateCommand(
            """
            select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and query like '%crm.refresh_tokens%'
            """);
        return await ask.ExecuteScalarAsync(Ct) as long? ?? 0;
    }

    private Task<HttpStatusCode> StatusOfMe(string token, TestHost? asked = null) => StatusOf("/api/v1/me", token, asked ?? host);

    private Task<HttpResponseMessage> Renew(string refreshToken, TestHost? asked = null) =>
        (asked ?? host).CreateClient().PostAsJsonAsync("/api/v1/auth/refresh", new { refreshToken }, Ct);

    private async Task<(string Access, string Refresh)> Renewed(string refreshToken, TestHost? asked = null)
    {
        using var answer = await Renew(refreshToken, asked);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var tokens = await answer.Content.ReadFromJsonAsync<JsonElement>(Ct);
        return (tokens.GetProperty("accessToken").GetString() ?? "", tokens.GetProperty("refreshToken").GetString() ?? "");
    }

    private async Task AssertNotRenewed(string refreshToken, TestHost? asked = null)
    {
        using var answer = await Renew(refreshToken, asked);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal(
            "invalid-refresh-token", (await answer.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("code").GetString());
    }
}

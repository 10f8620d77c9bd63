using System.Net;
using System.Text.Json;

namespace Crm.Web.Tests.Security;

public sealed class Managing_users(TestHost host) : IClassFixture<TestHost>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task registers_a_user_who_can_sign_in_at_once()
    {
        using var answer = await Register("Grace", "grace@example.com");
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>(Ct);
        Assert.Equal("user-registered", Assert.Single(body.GetProperty("events").EnumerateArray()).GetString());
        Assert.Equal($"/api/v1/users/{body.GetProperty("id").GetString()}", answer.Headers.Location?.OriginalString);
        Assert.Equal("\"1\"", answer.Headers.ETag?.Tag);

        var user = await (await host.Admin()).Client.GetFromJsonAsync<JsonElement>(answer.Headers.Location, Ct);
        Assert.Equal("Grace", user.GetProperty("name").GetString());
        Assert.Equal("agent", user.GetProperty("role").GetString());
        await host.SignIn("grace@example.com", TestHost.UserPassword);
    }

    [Fact]
    public async Task refuses_an_address_that_another_user_has_in_whatever_case()
    {
        using var first = await Register("One", "taken@example.com");
        Assert.Equal(HttpStatusCode.Created, first.StatusCode);
        using var second = await Register("Two", "Taken@Example.com", password: "another password than the first");
        await AssertProblem(second, HttpStatusCode.Conflict, "duplicate-email");
        await host.SignIn("taken@example.com", TestHost.UserPassword);
        Assert.Equal(0, await CredentialsWithoutUser());
    }

    [Fact]
    public async Task registers_once_for_one_idempotency_key_and_keeps_no_second_password()
    {
        for (var time = 0; time < 2; time++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/users");
            request.Headers.Add("Idempotency-Key", "register-once");
            request.Content = JsonContent.Create(
                new { name = "Once", email = "once@example.com", password = TestHost.UserPassword, role = "agent" });
            using var answer = await (await host.Admin()).Client.SendAsync(request, Ct);
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            Assert.Equal(time == 1, answer.Headers.Contains("Idempotent-Replayed"));
        }

        await host.SignIn("once@example.com", TestHost.UserPassword);
        Assert.Equal(0, await CredentialsWithoutUser());
    }

    [Theory]
    [InlineData("", "a@example.com", "long enough a password", "agent", "/name")]
    [InlineData("A", "not an address", "long enough a password", "agent", "/email")]
    [InlineData("A", "a@example.com", "too short", "agent", "/password")]
    [InlineData("A", "a@example.com", "long enough a password", "root", "/role")]
    public async Task refuses_what_has_the_wrong_shape_and_names_the_field(
        string name, string email, string password, string role, string pointer)
    {
        using var answer = await Register(name, email, password, role);
        var problem = await AssertProblem(answer, HttpStatusCode.UnprocessableEntity, "invalid");
        Assert.Equal(pointer, Assert.Single(problem.GetProperty("errors").EnumerateArray()).GetProperty("pointer").GetString());
        Assert.DoesNotContain(password, problem.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task counts_a_passwords_characters_not_its_bytes()
    {
        // A dozen characters beyond the basic plane: twelve to people, twenty-four to UTF-16, forty-eight to UTF-8.
        using var twelve = await Register("Rune", "rune@example.com", "🔑🦉🪜🌊🧭🎻🪵🦔🍏🧵🪨🐌");
        Assert.Equal(HttpStatusCode.Created, twelve.StatusCode);
        using var monotonous = await Register("Rune", "rune3@example.com", string.Concat(Enumerable.Repeat("🔑", 12)));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, monotonous.StatusCode);
        using var tooMany = await Register("Rune", "rune2@example.com", new string('x', 129));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, tooMany.StatusCode);
    }

    [Fact]
    public async Task changes_name_and_role_in_one_step()
    {
        var user = await host.Register("agent");
        using var answer = await Patch(user.Id, new { name = "Renamed", role = "manager" });
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>(Ct);
        Assert.Equal(["user-renamed", "user-role-changed"], body.GetProperty("events").EnumerateArray().Select(name => name.GetString()));
        using var again = await Patch(user.Id, new { name = "Renamed", role = "manager" });
        Assert.Empty((await again.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("events").EnumerateArray());
    }

    [Fact]
    public async Task refuses_to_take_away_the_last_admin_or_oneself()
    {
        await using var own = new TestHost();
        await own.InitializeAsync();
        var admin = await own.Admin();
        using var demoted = await admin.Client.PatchAsJsonAsync($"/api/v1/users/{admin.Id}", new { role = "agent" }, Ct);
        await AssertProblem(demoted, HttpStatusCode.Conflict, "last-admin");
        using var shutOut = await admin.Client.PostAsync($"/api/v1/users/{admin.Id}/deactivate", content: null, Ct);
        await AssertProblem(shutOut, HttpStatusCode.Conflict, "own-account");

        var second = await own.Register("admin");
        using var allowed = await admin.Client.PatchAsJsonAsync($"/api/v1/users/{admin.Id}", new { role = "agent" }, Ct);
        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
        using var last = await second.Client.PatchAsJsonAsync($"/api/v1/users/{second.Id}", new { role = "ops" }, Ct);
        await AssertProblem(last, HttpStatusCode.Conflict, "last-admin");
    }

    [Fact]
    public async Task leaves_one_of_two_admins_who_take_each_other_away_at_the_same_moment_on_two_hosts()
    {
        await using var own = new TestHost();
        await own.InitializeAsync();
        await using var other = TestHost.Beside(own.Database);
        var one = await own.Admin();
        var two = await own.Register("admin");
        for (var round = 0; round < 8; round++)
        {
            var here = await own.SignIn(one.Email, TestHost.AdminPassword);
            var there = await other.SignIn(two.Email, TestHost.UserPassword);
            Func<SignedInUser, Guid, Task<Answer>> take = round % 2 == 0
                ? static (by, id) => by.Patch($"/users/{id}", """{"role":"agent"}""")
                : static (by, id) => by.Post($"/users/{id}/deactivate");

            var answers = await Task.WhenAll(take(here, two.Id), take(there, one.Id));

            // Who lost was refused, or was no admin any more when it was asked.
            Assert.Single(answers, answer => answer.Status == 200);
            Assert.Single(answers, answer => answer.Status is 401 or 403 || answer.Code is "last-admin");
            var (winner, loser) = answers[0].Status == 200 ? (here, two.Id) : (there, one.Id);
            (await winner.Patch($"/users/{loser}", """{"role":"admin"}""")).Is(200);
            (await winner.Post($"/users/{loser}/activate")).Is(200);
        }
    }

    [Fact]
    public async Task answers_not_found_for_who_is_not_there_and_for_what_is_no_user()
    {
        var admin = await host.Admin();
        using var captured = await admin.Client.PostAsJsonAsync("/api/v1/leads", new { lastName = "Nobody" }, Ct);
        var lead = (await captured.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("id").GetGuid();
        foreach (var id in new[] { Guid.NewGuid(), lead })
        {
            using var read = await admin.Client.GetAsync($"/api/v1/users/{id}", Ct);
            await AssertProblem(read, HttpStatusCode.NotFound, "not-found");
        }

        using var changed = await Patch(Guid.NewGuid(), new { name = "X" });
        await AssertProblem(changed, HttpStatusCode.NotFound, "not-found");
        using var activated = await admin.Client.PostAsync($"/api/v1/users/{Guid.NewGuid()}/activate", content: null, Ct);
        await AssertProblem(activated, HttpStatusCode.NotFound, "not-found");
        using var changedLead = await Patch(lead, new { name = "X" });
        await AssertProblem(changedLead, HttpStatusCode.NotFound, "not-found");
        using var secondLife = await admin.Client.PostAsJsonAsync("/api/v1/leads", new { id = admin.Id, lastName = "Somebody" }, Ct);
        await AssertProblem(secondLife, HttpStatusCode.Conflict, "already-exists");
    }

    [Fact]
    public async Task lists_every_user_once_page_by_page()
    {
        for (var count = 0; count < 3; count++)
        {
            await host.Register("agent");
        }

        var admin = await host.Admin();
        var seen = new List<Guid>();
        var cursor = "";
        do
        {
            var page = await admin.Client.GetFromJsonAsync<JsonElement>($"/api/v1/users?limit=2{cursor}", Ct);
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(user => user.GetProperty("id").GetGuid()));
            cursor = page.GetProperty("nextCursor").GetString() is { } next ? $"&cursor={next}" : null;
        }
        while (cursor is not null);

        Assert.Equal(seen.Count, seen.Distinct().Count());
        Assert.Contains(admin.Id, seen);
        Assert.True(seen.Count >= 4);
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=201")]
    [InlineData("limit=x")]
    [InlineData("cursor=!")]
    [InlineData("cursor=AAAA")]
    [InlineData("page=2")]
    public async Task refuses_a_list_that_is_asked_for_wrongly(string query)
    {
        using var answer = await (await host.Admin()).Client.GetAsync($"/api/v1/users?{query}", Ct);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    private static async Task<JsonElement> AssertProblem(HttpResponseMessage answer, HttpStatusCode status, string code)
    {
        Assert.Equal(status, answer.StatusCode);
        var problem = await answer.Content.ReadFromJsonAsync<JsonElement>(Ct);
        Assert.Equal(code, problem.GetProperty("code").GetString());
        return problem;
    }

    private async Task<HttpResponseMessage> Register(
        string name, string email, string password = TestHost.UserPassword, string role = "agent") =>
        await (await host.Admin()).Client.PostAsJsonAsync("/api/v1/users", new { name, email, password, role }, Ct);

    private async Task<HttpResponseMessage> Patch(Guid id, object change) =>
        await (await host.Admin()).Client.PatchAsJsonAsync($"/api/v1/users/{id}", change, Ct);

    private async Task<long> CredentialsWithoutUser()
    {
        await using var count = host.Database.App.CreateCommand(
            "select count(*) from crm.credentials c where not exists (select from crm.mt_streams s where s.id = c.user_id)");
        return (long)(await count.ExecuteScalarAsync(Ct) ?? 0L);
    }
}

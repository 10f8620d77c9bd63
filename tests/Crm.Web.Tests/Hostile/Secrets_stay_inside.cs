using System.Text;
using System.Text.Json;
using Npgsql;

namespace Crm.Web.Tests.Hostile;

/// <summary>Marked secrets go once through every part of access; then log, answers, metrics and the whole database are searched for them.</summary>
public sealed class Secrets_stay_inside(TestHost host) : IClassFixture<TestHost>
{
    private readonly List<string> secrets = [];
    private readonly StringBuilder answers = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task and_are_found_nowhere_after_a_full_tour()
    {
        var admin = await host.Admin();
        secrets.AddRange([
            TestHost.MasterKey, TestHost.AdminPassword, admin.AccessToken, admin.RefreshToken,
            new NpgsqlConnectionStringBuilder(host.Database.AppConnectionString).Password ?? "no password of the connection",
            new NpgsqlConnectionStringBuilder(host.Database.OwnerConnectionString).Password ?? "no password of the connection",
        ]);
        const string email = "marked@example.com";
        var first = Marked("first");
        var user = Said(await admin.Post("/users", $$"""{"name":"Marked","email":"{{email}}","password":"{{first}}","role":"agent"}""")).Is(201).Id;
        using var client = host.CreateClient();
        var signedIn = await client.Send(HttpMethod.Post, "/auth/login", Login(email, first)); // shows its tokens once
        Keep(signedIn.Is(200), "accessToken", "refreshToken");
        Said(await client.Send(HttpMethod.Post, "/auth/login", Login(email, Marked("wrong")))).Is(401);
        Said(await client.Send(HttpMethod.Post, "/auth/login", Login(Marked("name") + "@example.com", Marked("stranger")))).Is(401);
        Said(await client.Send(HttpMethod.Post, "/auth/login", $$"""{"email":"{{email}}","password":["{{Marked("list")}}"]}""")).Is(422);
        Said(await client.Send(HttpMethod.Post, "/auth/refresh", $$"""{"refreshToken":"{{Marked("refresh")}}"}"""));
        Said(await client.Send(HttpMethod.Get, "/me", null, ("Authorization", "Bearer " + Marked("bearer")))).Is(401);

        var mine = new SignedInUser(client, user, email, "", "");
        client.DefaultRequestHeaders.Authorization = new("Bearer", Of(signedIn, "accessToken"));
        var offered = await mine.Post("/me/second-factor", $$"""{"password":"{{first}}"}""");
        Keep(offered.Is(201), "secret");
        Said(await mine.Post("/me/second-factor/confirm", """{"code":"000000"}"""));
        var second = Marked("second");
        var changed = await mine.Post("/auth/password", $$"""{"currentPassword":"{{first}}","newPassword":"{{second}}"}""");
        Keep(changed.Is(200), "accessToken", "refreshToken");

        var reset = await admin.Post($"/users/{user}/password-reset");
        Keep(reset.Is(201), "token");
        Said(await client.Send(HttpMethod.Post, "/auth/reset", $$"""{"token":"{{Of(reset, "token")}}","newPassword":"{{Marked("short")[..9]}}"}"""));
        Said(await client.Send(HttpMethod.Post, "/auth/reset", $$"""{"token":"{{Of(reset, "token")}}","newPassword":"{{Marked("third")}}"}""")).Is(204);
        foreach (var path in new[] { "/users", $"/users/{user}", "/audit/events?limit=200", "/events?after=0&limit=500", "/leads", "/ops/projections", "/me", "/me/sessions" })
        {
            Said(await admin.Get(path));
        }

        using var nobody = host.CreateClient();
        Said(await nobody.Send(HttpMethod.Get, "/health", null));
        Said(await nobody.Send(HttpMethod.Get, "/openapi/v1.json", null));
        Said(await nobody.Send(HttpMethod.Get, "/metrics", null));

        Assert.True(secrets.Count > 15, "the tour has marked too few");
        Assert.All(secrets, static secret => Assert.True(secret.Length >= 9, secret));
        Assert.NotEmpty(host.Log.Lines);
        var places = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["the answers"] = answers.ToString(),
            ["the log"] = string.Join('\n', host.Log.Lines),
        };
        await foreach (var (table, rows) in Tables())
        {
            places[table] = rows;
        }

        Assert.Contains("crm.mt_events", places.Keys);
        Assert.Contains("signed-in", places["crm.mt_events"], StringComparison.Ordinal);
        var found = from place in places from secret in secrets where place.Value.Contains(secret, StringComparison.Ordinal) select $"{secret} in {place.Key}";
        Assert.Equal([], found);
    }

    // Everything that the database holds, as text; bytes as hexadecimal and as what they may spell.
    private async IAsyncEnumerable<(string Table, string Rows)> Tables()
    {
        var names = new List<string>();
        await using (var command = host.Database.Superuser.CreateCommand(
            "select table_schema || '.' || table_name from information_schema.tables where table_schema in ('crm', 'crm_read') and table_type = 'BASE TABLE'"))
        await using (var reader = await command.ExecuteReaderAsync(Ct))
        {
            while (await reader.ReadAsync(Ct))
            {
                names.Add(reader.GetString(0));
            }
        }

        foreach (var name in names)
        {
            var parts = name.Split('.');
            await using var command = host.Database.Superuser.CreateCommand($"select coalesce(string_agg(t::text, E'\\n'), '') from \"{parts[0]}\".\"{parts[1]}\" t");
            yield return (name, (string)(await command.ExecuteScalarAsync(Ct) ?? ""));
        }
    }

    private static string Login(string email, string password) => $$"""{"email":"{{email}}","password":"{{password}}"}""";

    private static string Of(Answer answer, string field) => answer.Body.GetProperty(field).GetString() ?? "";

    private string Marked(string what)
    {
        var secret = $"MARK-{what}-{Guid.NewGuid():N}";
        secrets.Add(secret);
        return secret;
    }

    private void Keep(Answer answer, params string[] fields) => secrets.AddRange(fields.Select(field => Of(answer, field)));

    private Answer Said(Answer answer)
    {
        answers.AppendLine(answer.Text).AppendLine(JsonSerializer.Serialize(answer.Message.Headers.ToDictionary(header => header.Key, header => header.Value)));
        return answer;
    }
}

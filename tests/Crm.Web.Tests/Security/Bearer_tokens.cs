using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Crm.Domain.Users;
using Crm.Web.Security;

namespace Crm.Web.Tests.Security;

public sealed class Bearer_tokens(TestHost host) : IClassFixture<TestHost>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task are_required()
    {
        using var answer = await host.CreateClient().GetAsync("/api/v1/me", Ct);
        await AssertUnauthenticated(answer);
        Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task that_are_ours_are_taken() => await AssertTaken((await host.As("agent")).AccessToken);

    [Fact]
    public async Task that_were_tampered_with_are_refused()
    {
        var parts = (await host.As("agent")).AccessToken.Split('.');
        var claims = Encoding.UTF8.GetString(Convert.FromBase64String(Padded(parts[1])));
        var promoted = claims.Replace("\"agent\"", "\"admin\"", StringComparison.Ordinal);
        Assert.NotEqual(claims, promoted);
        await AssertRefused($"{parts[0]}.{StrictBase64Url.Encode(Encoding.UTF8.GetBytes(promoted))}.{parts[2]}");
    }

    [Fact]
    public async Task without_a_signature_are_refused()
    {
        var claims = (await host.As("agent")).AccessToken.Split('.')[1];
        foreach (var algorithm in new[] { "none", "None", "NONE", "ES256" })
        {
            var header = await Header(algorithm);
            await AssertRefused($"{header}.{claims}.");
            await AssertRefused($"{header}.{claims}");
        }
    }

    [Fact]
    public async Task with_a_keyed_hash_under_our_public_key_are_refused()
    {
        var key = await host.Services.GetRequiredService<SigningKeys>().Current(Ct);
        var signed = $"{await Header("HS256")}.{(await host.As("agent")).AccessToken.Split('.')[1]}";
        var pem = Encoding.ASCII.GetBytes(PemEncoding.WriteString("PUBLIC KEY", key.ToSpki()));
        foreach (var secret in new[] { key.ToSpki(), pem, Encoding.ASCII.GetBytes(key.Kid) })
        {
            await AssertRefused($"{signed}.{StrictBase64Url.Encode(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed)))}");
        }
    }

    [Fact]
    public async Task of_another_key_are_refused_whatever_key_they_name()
    {
        using var foreign = SigningKey.Create();
        var token = await Ours();
        await AssertRefused(host.Services.GetRequiredService<JwtTokens>().Write(token, foreign));

        var claims = CompactJws.Write(token.ToJson("crm", "crm-api"), foreign).Split('.')[1];
        var signed = $"{await Header("ES256")}.{claims}";
        await AssertRefused($"{signed}.{StrictBase64Url.Encode(foreign.Sign(Encoding.ASCII.GetBytes(signed)))}");
    }

    [Fact]
    public async Task for_another_audience_or_of_another_issuer_are_refused()
    {
        var key = await host.Services.GetRequiredService<SigningKeys>().Current(Ct);
        var token = await Ours();
        await AssertTaken(CompactJws.Write(token.ToJson("crm", "crm-api"), key));
        await AssertRefused(CompactJws.Write(token.ToJson("crm", "another-api"), key));
        await AssertRefused(CompactJws.Write(token.ToJson("another", "crm-api"), key));
    }

    [Fact]
    public async Task that_are_not_yet_valid_are_refused()
    {
        var later = host.Clock.GetUtcNow().AddMinutes(1);
        await AssertRefused(await Signed(await Ours() with { NotBefore = later }));
        await AssertRefused(await Signed(await Ours() with { IssuedAt = later }));
    }

    [Fact]
    public async Task that_are_expired_are_refused_even_if_they_were_taken_before()
    {
        await using var own = TestHost.Beside(host.Database);
        var agent = await host.Register("agent");
        var short_lived = await Signed(await Ours(agent) with { ExpiresAt = host.Clock.GetUtcNow().AddMinutes(2) });
        using (var before = await Ask(own, short_lived))
        {
            Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        }

        own.Clock.Move(TimeSpan.FromMinutes(2));
        using var after = await Ask(own, short_lived);
        await AssertUnauthenticated(after);
    }

    [Fact]
    public async Task of_a_session_that_never_was_are_refused() =>
        await AssertRefused(await Signed(await Ours() with { SessionId = Guid.NewGuid() }));

    [Fact]
    public async Task of_other_credentials_are_refused() =>
        await AssertRefused(await Signed(await Ours() with { SecurityStamp = Guid.NewGuid() }));

    [Fact]
    public async Task give_the_role_that_the_log_has_not_the_one_they_say()
    {
        using var client = host.CreateClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/users");
        request.Headers.Add("Authorization", $"Bearer {await Signed(await Ours() with { Role = Role.Admin })}");
        using var answer = await client.SendAsync(request, Ct);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal("forbidden", (await answer.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("Basic YTpi")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer x")]
    [InlineData("{0}")]
    [InlineData("Bearer {0}, Bearer {0}")]
    public async Task in_another_form_are_refused(string form)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/me");
        request.Headers.TryAddWithoutValidation("Authorization", string.Format(null, form, (await host.As("agent")).AccessToken));
        using var answer = await host.CreateClient().SendAsync(request, Ct);
        await AssertUnauthenticated(answer);
    }

    [Fact]
    public async Task are_taken_from_the_header_only()
    {
        var token = (await host.As("agent")).AccessToken;
        using var answer = await host.CreateClient().GetAsync($"/api/v1/me?access_token={token}", Ct);
        await AssertUnauthenticated(answer);
    }

    private static string Padded(string base64Url) =>
        base64Url.Replace('-', '+').Replace('_', '/').PadRight((base64Url.Length + 3) / 4 * 4, '=');

    private static async Task<HttpResponseMessage> Ask(TestHost asked, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/me");
        request.Headers.Add("Authorization", $"Bearer {token}");
        return await asked.CreateClient().SendAsync(request, Ct);
    }

    private static async Task AssertUnauthenticated(HttpResponseMessage answer)
    {
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("Bearer", Assert.Single(answer.Headers.WwwAuthenticate).Scheme);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("unauthenticated", (await answer.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("code").GetString());
    }

    private async Task AssertRefused(string token)
    {
        using var answer = await Ask(host, token);
        await AssertUnauthenticated(answer);
    }

    private async Task AssertTaken(string token)
    {
        using var answer = await Ask(host, token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private async Task<string> Header(string algorithm)
    {
        var key = await host.Services.GetRequiredService<SigningKeys>().Current(Ct);
        return StrictBase64Url.Encode(Encoding.UTF8.GetBytes($$"""{"alg":"{{algorithm}}","kid":"{{key.Kid}}","typ":"JWT"}"""));
    }

    private async Task<string> Signed(AccessToken token) =>
        host.Services.GetRequiredService<JwtTokens>().Write(token, await host.Services.GetRequiredService<SigningKeys>().Current(Ct));

    private async Task<AccessToken> Ours(SignedInUser? user = null)
    {
        var key = await host.Services.GetRequiredService<SigningKeys>().Current(Ct);
        return host.Services.GetRequiredService<JwtTokens>().Read((user ?? await host.As("agent")).AccessToken, _ => key)
            ?? throw new InvalidOperationException("The host's own token does not count.");
    }
}

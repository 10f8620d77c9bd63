using System.Net;
using System.Text;
using System.Text.Json;

namespace Crm.Web.Tests.Security.SignIn;

/// <summary>Requests of people who are not signed in, from an address of their own.</summary>
internal static class Attempts
{
    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Tries to sign in; without an address only the account is counted.</summary>
    public static Task<Attempt> Login(this TestHost host, string email, string password, string? from = null, string? code = null) =>
        host.Send(
            "/api/v1/auth/login",
            code is null ? JsonSerializer.Serialize(new { email, password }) : JsonSerializer.Serialize(new { email, password, code }),
            from);

    /// <summary>Sends a request that nobody has signed.</summary>
    public static async Task<Attempt> Send(this TestHost host, string path, string json, string? from = null)
    {
        var body = Encoding.UTF8.GetBytes(json);
        var http = await host.Server.SendAsync(
            context =>
            {
                context.Request.Method = "POST";
                context.Request.Scheme = "http";
                context.Request.Host = new HostString("localhost");
                context.Request.Path = path;
                context.Request.ContentType = "application/json";
                context.Request.ContentLength = body.Length;
                context.Request.Body = new MemoryStream(body);
                context.Connection.RemoteIpAddress = from is null ? null : IPAddress.Parse(from);
            },
            Ct);
        using var reader = new StreamReader(http.Response.Body);
        var retryAfter = http.Response.Headers.RetryAfter.ToString();
        return new Attempt(
            http.Response.StatusCode, await reader.ReadToEndAsync(Ct), retryAfter.Length > 0 ? retryAfter : null);
    }

    /// <summary>Sets another host's clock to this one's.</summary>
    public static TestHost InTimeWith(this TestHost other, TestHost host)
    {
        other.Clock.Move(host.Clock.GetUtcNow() - other.Clock.GetUtcNow());
        return other;
    }
}

/// <summary>What an attempt was answered.</summary>
internal sealed record Attempt(int Status, string Text, string? RetryAfter)
{
    public JsonElement Body => JsonDocument.Parse(Text).RootElement;

    public string? Code => Status >= 400 ? Body.GetProperty("code").GetString() : null;

    public Attempt Is(int status, string? code = null)
    {
        Assert.True(Status == status && (code is null || Code == code), $"{Status}, not {status} {code}: {Text}");
        return this;
    }
}

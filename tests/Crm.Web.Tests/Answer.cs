using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Crm.Web.Tests;

/// <summary>What a request was answered, read to its end.</summary>
public sealed record Answer(int Status, HttpResponseMessage Message, string Text)
{
    public JsonElement Body => JsonDocument.Parse(Text).RootElement;

    public string? Code => Status >= 400 ? Body.GetProperty("code").GetString() : null;

    public string? Header(string name) =>
        Message.Headers.TryGetValues(name, out var values) || Message.Content.Headers.TryGetValues(name, out values)
            ? string.Join(',', values)
            : null;

    public Guid Id => Body.GetProperty("id").GetGuid();

    public long Position => Body.GetProperty("position").GetInt64();

    public IReadOnlyList<string?> Events => [.. Body.GetProperty("events").EnumerateArray().Select(item => item.GetString())];

    public IReadOnlyList<JsonElement> Items => [.. Body.GetProperty("items").EnumerateArray()];

    public IReadOnlyList<(string? Pointer, string? Code)> Errors =>
    [
        .. Body.GetProperty("errors").EnumerateArray()
            .Select(error => (error.GetProperty("pointer").GetString(), error.GetProperty("code").GetString())),
    ];

    public Answer Is(int status)
    {
        var request = Message.RequestMessage;
        Assert.True(Status == status, $"{request?.Method} {request?.RequestUri} answered {Status}, not {status}: {Text}");
        return this;
    }

    public Answer IsRefused(int status, string code)
    {
        Is(status);
        Assert.Equal(code, Code);
        Assert.Equal("application/problem+json", Message.Content.Headers.ContentType?.MediaType);
        Assert.Equal($"/problems/{code}", Body.GetProperty("type").GetString());
        Assert.Equal(status, Body.GetProperty("status").GetInt32());
        Assert.False(string.IsNullOrWhiteSpace(Body.GetProperty("traceId").GetString()));
        return this;
    }
}

/// <summary>Requests in one line.</summary>
public static class Requests
{
    public static Task<Answer> Get(this SignedInUser user, string path, params (string Name, string Value)[] headers) =>
        Send(user.Client, HttpMethod.Get, path, null, headers);

    public static Task<Answer> Post(this SignedInUser user, string path, string? json = null, params (string Name, string Value)[] headers) =>
        Send(user.Client, HttpMethod.Post, path, json, headers);

    public static Task<Answer> Patch(this SignedInUser user, string path, string json, params (string Name, string Value)[] headers) =>
        Send(user.Client, HttpMethod.Patch, path, json, headers);

    /// <summary>A page as it stands once it holds what was just written.</summary>
    public static Task<Answer> GetAfter(this SignedInUser user, long position, string path) =>
        user.Get(path, ("After-Position", position.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Captures a lead.</summary>
    public static async Task<Guid> Captured(this SignedInUser user, string json = """{"lastName":"Lovelace"}""") =>
        (await user.Post("/leads", json)).Is(201).Id;

    /// <summary>A lead that has been contacted.</summary>
    public static async Task<Guid> Contacted(this SignedInUser user)
    {
        var id = await user.Captured();
        (await user.Post($"/leads/{id}/activities", """{"kind":"call","direction":"out","at":"2026-01-01T00:00:00Z"}""")).Is(200);
        return id;
    }

    /// <summary>A lead that has been qualified.</summary>
    public static async Task<Guid> Qualified(this SignedInUser user)
    {
        var id = await user.Contacted();
        (await user.Post($"/leads/{id}/qualify")).Is(200);
        return id;
    }

    public static async Task<Answer> Send(
        this HttpClient client, HttpMethod method, string path, string? json, params (string Name, string Value)[] headers)
    {
        var ct = TestContext.Current.CancellationToken;
        using var request = new HttpRequestMessage(method, IsOutside(path) ? path : "/api/v1" + path);
        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        }

        foreach (var (name, value) in headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content?.Headers.Remove(name);
                request.Content?.Headers.TryAddWithoutValidation(name, value);
            }
        }

        var answer = await client.SendAsync(request, ct);
        return new Answer((int)answer.StatusCode, answer, await answer.Content.ReadAsStringAsync(ct));
    }

    private static bool IsOutside(string path) =>
        path.StartsWith("/health", StringComparison.Ordinal) || path is "/metrics" || path.StartsWith("/openapi", StringComparison.Ordinal)
        || path.StartsWith("/docs", StringComparison.Ordinal) || path.StartsWith("/api/", StringComparison.Ordinal)
        || path.StartsWith("/debug/", StringComparison.Ordinal) || path.StartsWith("/.well-known/", StringComparison.Ordinal);
}

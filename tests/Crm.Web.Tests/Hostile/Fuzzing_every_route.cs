using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Crm.Web.Tests.Hostile;

/// <summary>
/// Thousands of hostile requests to every route of the OpenAPI document: none makes the host fail, hang or tell of its insides.
/// <c>CRM_FUZZ_SEED</c> and <c>CRM_FUZZ_REQUESTS</c> repeat or lengthen the run (<c>ops/fuzz</c>).
/// </summary>
public sealed partial class Fuzzing_every_route(TestHost host) : IClassFixture<TestHost>
{
    private const int Workers = 4;
    private const int MostHashes = 200;
    private static readonly TimeSpan hang = TimeSpan.FromSeconds(2);

    // Each costs a password's hash, or a key: tried, but not thousands of times.
    private static readonly string[] costly = ["/auth/", "/users", "/signing-keys", "/api-keys", "/second-factor", "/rebuild"];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task makes_nothing_fail_hang_or_leak()
    {
        var seed = Number("CRM_FUZZ_SEED", 20261121);
        var requests = Number("CRM_FUZZ_REQUESTS", 10_000);
        var output = TestContext.Current.TestOutputHelper;
        output?.WriteLine($"seed {seed}, {requests} requests");
        var admin = await host.Admin();
        var agent = await host.As("agent");
        using var nobody = host.CreateClient();
        var document = await nobody.GetFromJsonAsync<JsonElement>("/openapi/v1.json", Ct);
        var known = new List<Guid>();
        for (var lead = 0; lead < 20; lead++)
        {
            known.Add(await (lead % 2 == 0 ? admin : agent).Captured());
        }

        var routes = Fuzz.RoutesOf(document);
        Assert.True(routes.Count > 40, $"only {routes.Count} routes");
        var fuzz = new Fuzz(seed, routes, known);
        HttpClient[] callers = [admin.Client, admin.Client, agent.Client, nobody];
        var found = new ConcurrentQueue<string>();
        var statuses = new ConcurrentDictionary<int, int>();
        var next = -1;
        var hashes = 0;
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => Task.Run(
            async () =>
            {
                for (var number = Interlocked.Increment(ref next); number < requests; number = Interlocked.Increment(ref next))
                {
                    var made = fuzz.Make(number);
                    if (costly.Any(part => made.Path.Contains(part, StringComparison.Ordinal)) && made.Method is not "GET"
                        && Interlocked.Increment(ref hashes) > MostHashes)
                    {
                        continue;
                    }

                    // What ends the caller's own session is asked without one.
                    var caller = made.Path.Contains("/logout", StringComparison.Ordinal) ? nobody : callers[number / routes.Count % callers.Length];
                    if (await Offence(caller, made, statuses) is { } offence)
                    {
                        found.Enqueue($"seed {seed}, request {number}: {offence}\n  {made}");
                    }
                }
            },
            Ct)));
        output?.WriteLine(string.Join(", ", statuses.OrderBy(each => each.Key).Select(each => $"{each.Key}: {each.Value}")));
        Assert.True(found.IsEmpty, $"{found.Count} of {requests}:\n{string.Join('\n', found.Take(40))}");
    }

    private static async Task<string?> Offence(HttpClient caller, FuzzedRequest made, ConcurrentDictionary<int, int> statuses)
    {
        HttpRequestMessage request;
        try
        {
            request = new HttpRequestMessage(new HttpMethod(made.Method), new Uri(made.Path, UriKind.Relative));
        }
        catch (UriFormatException)
        {
            return null;
        }

        using var owned = request;
        foreach (var (name, value) in made.Headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        if (made.Body is { } body)
        {
            request.Content = new ByteArrayContent(body);
            if (made.MediaType is { Length: > 0 } type && MediaTypeHeaderValue.TryParse(type, out var parsed))
            {
                request.Content.Headers.ContentType = parsed;
            }
        }

        var began = Stopwatch.GetTimestamp();
        HttpResponseMessage answer;
        try
        {
            answer = await caller.SendAsync(request, Ct);
        }
        catch (Exception unsent) when (unsent is UriFormatException || (unsent is InvalidOperationException && made.Path.Contains("%00", StringComparison.Ordinal)))
        {
            return null; // the client itself does not send it; over a socket the server refuses it
        }

        using var ended = answer;
        var text = await answer.Content.ReadAsStringAsync(Ct);
        var took = Stopwatch.GetElapsedTime(began);
        var status = (int)answer.StatusCode;
        statuses.AddOrUpdate(status, 1, static (_, count) => count + 1);
        return status >= 500 ? $"{status} {text}"
            : took > hang ? string.Create(CultureInfo.InvariantCulture, $"took {took.TotalSeconds:0.0} s")
            : Insides().IsMatch(text) && status >= 400 ? $"tells of its insides: {text}"
            : answer.Headers.Contains("Set-Cookie") || answer.Headers.Any(header => header.Value.Any(value => value.AsSpan().ContainsAny("\r\n"))) ? "a header was injected"
            : status >= 400 && !IsProblem(answer, text) ? $"{status} without a problem document: {text}"
            : null;
    }

    private static bool IsProblem(HttpResponseMessage answer, string text)
    {
        if (answer.Content.Headers.ContentType?.MediaType is not "application/problem+json")
        {
            return false;
        }

        using var problem = JsonDocument.Parse(text);
        return problem.RootElement.GetProperty("status").GetInt32() == (int)answer.StatusCode
            && problem.RootElement.GetProperty("code").GetString() is { Length: > 0 }
            && problem.RootElement.GetProperty("title").GetString() is { Length: > 0 }
            && problem.RootElement.GetProperty("type").GetString() is { Length: > 0 };
    }

    private static int Number(string variable, int unlessTold) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : unlessTold;

    [GeneratedRegex(@"Npgsql|PostgresException|System\.\w+Exception|   at [A-Z]\w+\.|/home/|\.cs:line|crm_read\.|mt_events where|select .{1,60} from crm", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Insides();
}

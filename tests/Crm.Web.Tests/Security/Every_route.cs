using System.Net;
using Crm.Web.Security;
using Microsoft.AspNetCore.Authorization;

namespace Crm.Web.Tests.Security;

public sealed class Every_route(TestHost host) : IClassFixture<TestHost>
{
    // Open to all, and why: to sign in, to renew and to choose a password by a token one must not be signed in; health and metrics
    // are asked by machines; the documentation shows no data, the public keys are public.
    private static readonly string[] Open =
        [
            "/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/auth/reset", "/health", "/metrics", "/openapi", "/docs",
            "/.well-known/jwks.json",
        ];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public void names_a_policy_or_is_open_on_purpose()
    {
        foreach (var route in Routes())
        {
            var isOpen = route.Metadata.GetMetadata<IAllowAnonymous>() is not null;
            if (isOpen)
            {
                Assert.True(
                    Open.Any(prefix => $"/{PathOf(route).TrimStart('/')}".StartsWith(prefix, StringComparison.Ordinal)),
                    $"{PathOf(route)} is open to all");
            }
            else
            {
                var policies = route.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(data => data.Policy).ToList();
                Assert.True(policies.Count > 0, $"{PathOf(route)} names no policy");
                Assert.All(policies, policy => Assert.Contains(policy ?? "", Policies.Admitted.Keys));
            }
        }
    }

    [Fact]
    public async Task is_closed_to_those_who_are_not_signed_in()
    {
        var client = host.CreateClient();
        foreach (var (method, path, _) in Protected())
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            using var answer = await client.SendAsync(request, Ct);
            Assert.True(answer.StatusCode == HttpStatusCode.Unauthorized, $"{method} {path} answered {answer.StatusCode}");
        }
    }

    [Theory]
    [InlineData(Roles.Admin)]
    [InlineData(Roles.Manager)]
    [InlineData(Roles.Agent)]
    [InlineData(Roles.Auditor)]
    [InlineData(Roles.Ops)]
    public async Task is_closed_to_the_roles_that_its_policy_does_not_admit(string role)
    {
        var user = await host.As(role);
        foreach (var (method, path, policies) in Protected())
        {
            if (policies.All(policy => Policies.Admitted[policy].Contains(role, StringComparer.Ordinal)))
            {
                continue;
            }

            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            using var answer = await user.Client.SendAsync(request, Ct);
            Assert.True(answer.StatusCode == HttpStatusCode.Forbidden, $"{method} {path} answered {answer.StatusCode} to {role}");
        }
    }

    [Fact]
    public async Task that_is_refused_is_logged_with_who_asked_and_without_the_token()
    {
        var agent = await host.Register("agent");
        (await agent.Get("/users")).IsRefused(403, "forbidden");
        Assert.Contains(host.Log.Lines, line => line.Contains("/api/v1/users", StringComparison.Ordinal)
            && line.Contains(agent.Id.ToString(), StringComparison.Ordinal) && line.Contains("do not permit", StringComparison.Ordinal));

        using var stranger = host.CreateClient();
        (await stranger.Send(HttpMethod.Get, "/leads", null, ("Authorization", "Bearer no-such-token"))).IsRefused(401, "unauthenticated");
        Assert.Contains(host.Log.Lines, static line => line.Contains("does not count", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Log.Lines, static line => line.Contains("no-such-token", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(Roles.Admin, "GET", "/api/v1/users", true)]
    [InlineData(Roles.Manager, "GET", "/api/v1/users", false)]
    [InlineData(Roles.Agent, "GET", "/api/v1/users", false)]
    [InlineData(Roles.Auditor, "GET", "/api/v1/users", false)]
    [InlineData(Roles.Ops, "GET", "/api/v1/users", false)]
    [InlineData(Roles.Admin, "POST", "/api/v1/leads", true)]
    [InlineData(Roles.Manager, "POST", "/api/v1/leads", true)]
    [InlineData(Roles.Agent, "POST", "/api/v1/leads", true)]
    [InlineData(Roles.Auditor, "POST", "/api/v1/leads", false)]
    [InlineData(Roles.Ops, "POST", "/api/v1/leads", false)]
    [InlineData(Roles.Ops, "GET", "/api/v1/me", true)]
    public async Task admits_each_role_as_the_contract_says(string role, string method, string path, bool admitted)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        using var answer = await (await host.As(role)).Client.SendAsync(request, Ct);
        Assert.NotEqual(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal(admitted, answer.StatusCode != HttpStatusCode.Forbidden);
    }

    private static string PathOf(RouteEndpoint route) => route.RoutePattern.RawText ?? "";

    private List<RouteEndpoint> Routes()
    {
        var routes = host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();
        Assert.True(routes.Count > 20, "The host's routes were not found.");
        return routes;
    }

    private IEnumerable<(string Method, string Path, IReadOnlyList<string> Policies)> Protected() =>
        from route in Routes()
        where route.Metadata.GetMetadata<IAllowAnonymous>() is null
        let policies = route.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(data => data.Policy ?? "").ToList()
        from method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        select (method, Example(PathOf(route)), (IReadOnlyList<string>)policies);

    private static string Example(string pattern) => "/" + string.Join('/', pattern.Trim('/').Split('/').Select(part => part switch
    {
        ['{', .., '}'] when part.Contains(":long", StringComparison.Ordinal) || part.Contains(":int", StringComparison.Ordinal) => "1",
        ['{', .., '}'] => "00000000-0000-7000-8000-000000000001",
        _ => part,
    }));
}

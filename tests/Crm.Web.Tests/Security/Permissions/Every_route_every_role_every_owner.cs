using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Crm.Web.Security;
using Microsoft.AspNetCore.Authorization;

namespace Crm.Web.Tests.Security.Permissions;

/// <summary>The table walked: each mapped route, each caller, data of each relation.</summary>
public sealed partial class Every_route_every_role_every_owner(Company company) : IClassFixture<Company>
{
    // The smallest bodies that reach a decision. A lead's command without one would be refused for its shape, and prove nothing.
    private static readonly Dictionary<string, string> Bodies = new(StringComparer.Ordinal)
    {
        ["PATCH /api/v1/leads/{id}"] = """{"company":"Analytical"}""",
        ["POST /api/v1/leads/{id}/assign"] = """{"agentId":"AGENT"}""",
        ["POST /api/v1/leads/{id}/claim"] = "{}",
        ["POST /api/v1/leads/{id}/unassign"] = "{}",
        ["POST /api/v1/leads/{id}/transfer"] = """{"agentId":"AGENT"}""",
        ["POST /api/v1/leads/{id}/complete-assignment"] = "{}",
        ["POST /api/v1/leads/{id}/activities"] = """{"kind":"call","direction":"in","at":"2026-01-01T00:00:00Z"}""",
        ["POST /api/v1/leads/{id}/notes"] = """{"text":"x"}""",
        ["POST /api/v1/leads/{id}/qualify"] = "{}",
        ["POST /api/v1/leads/{id}/disqualify"] = """{"reason":"x"}""",
        ["POST /api/v1/leads/{id}/reopen"] = """{"reason":"x"}""",
        ["POST /api/v1/leads/{id}/convert"] = "{}",
        ["POST /api/v1/leads/{id}/unconvert"] = """{"reason":"x"}""",
        ["POST /api/v1/leads/{id}/archive"] = """{"reason":"x"}""",
        ["POST /api/v1/leads/{id}/unarchive"] = """{"reason":"x"}""",
        ["POST /api/v1/leads/{id}/erase"] = """{"reason":"x","requestedBy":"x"}""",
        ["POST /api/v1/leads/{id}/restore"] = """{"version":1,"reason":"x"}""",
    };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Routes { get; } =
        new(PermissionTable.Rows.Where(row => row.Since != "later").Select(row => (row.Method, row.Route)));

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task answers_as_the_table_says(string method, string route)
    {
        var row = PermissionTable.Rows.Single(row => row.Method == method && row.Route == route);
        Assert.True(Mapped().ContainsKey(row.ToString()), $"{row} is in the table and not mapped.");
        foreach (var column in PermissionTable.Columns.Where(column => row.Of(column) != "-"))
        {
            var expected = row.Of(column);
            var problem = expected is "in" or "out" ? await TryList(row, column, expected == "in") : await TryOne(row, column, expected);
            Assert.True(problem is null, $"{row}, {column}: {problem}");
        }
    }

    [Fact]
    public void has_a_row()
    {
        var rows = PermissionTable.Rows.Select(row => row.ToString()).ToHashSet(StringComparer.Ordinal);
        Assert.DoesNotContain(Mapped().Keys, mapped => !rows.Contains(mapped));
    }

    [Fact]
    public async Task is_documented_under_the_name_that_the_table_gives_it()
    {
        var rows = PermissionTable.Rows.Select(row => row.ToString()).ToHashSet(StringComparer.Ordinal);
        var address = new Uri("/openapi/v1.json", UriKind.Relative);
        using var document = JsonDocument.Parse(await company.Anonymous().GetStringAsync(address, Ct));
        var documented = document.RootElement.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => $"{operation.Name.ToUpperInvariant()} {path.Name}"))
            .ToList();
        Assert.True(documented.Count > 40);
        Assert.DoesNotContain(documented, operation => !rows.Contains(operation));
    }

    [Fact]
    public void asks_for_the_policy_and_the_key_scope_of_the_table()
    {
        var mapped = Mapped();
        foreach (var row in PermissionTable.Rows.Where(row => mapped.ContainsKey(row.ToString())))
        {
            var policies = mapped[row.ToString()];
            var isAsked = policies.Contains(row.Policy) || policies.Contains(Policies.Person);
            Assert.True(row.Policy == "open" ? policies.Count == 0 : isAsked, $"{row}");
            var scopes = policies.Select(policy => Policies.KeyScopes.GetValueOrDefault(policy, "never")).ToHashSet(StringComparer.Ordinal);
            var scope = policies.Count == 0 || scopes.Contains("never") ? "never"
                : scopes.Where(scope => scope.Length > 0).DefaultIfEmpty("any").Single();
            Assert.True(row.KeyScope == scope, $"{row}: a key needs {scope}, not {row.KeyScope}");
        }
    }

    /// <summary>What is wrong with one route, one caller, one relation; null when nothing is.</summary>
    private async Task<string?> TryOne(PermissionTable.Row row, string column, string expected)
    {
        var (caller, relation) = Of(column);
        var id = await TargetOf(row, relation);
        var client = await ClientOf(row, caller);
        var answer = await Send(client, row, id, relation);
        var status = answer.Status.ToString(CultureInfo.InvariantCulture);
        if (expected == "ok")
        {
            var isRefused = answer.Status is 401 or 403 || (row.IsItem && answer.Status == 404) || answer.Status >= 500;
            return isRefused && row.Policy != "open" ? $"refused with {status}: {answer.Text}" : null;
        }

        if (status != expected)
        {
            return $"answered {status}, not {expected}: {answer.Text}";
        }

        if (expected == "404")
        {
            var nothing = await Send(client, row, Guid.CreateVersion7(), relation);
            return Told(answer) == Told(nothing) ? null : $"tells of what is hidden:\n{Told(answer)}\nnot as of nothing:\n{Told(nothing)}";
        }

        return null;
    }

    /// <summary>Whether a new lead of that relation changes what a list answers, as it should or should not.</summary>
    private async Task<string?> TryList(PermissionTable.Row row, string column, bool isIn)
    {
        var (caller, relation) = Of(column);
        if (row.Route.EndsWith("/stream", StringComparison.Ordinal))
        {
            using var opened = await company[caller].Client.GetAsync(
                new Uri(row.Route, UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Ct);
            return opened.IsSuccessStatusCode ? null : $"answered {opened.StatusCode}";
        }

        if (row.Route is "/api/v1/teams" or "/api/v1/agents")
        {
            var page = (await company[caller].Get(row.Route + "?limit=200")).Is(200).Text;
            var datum = row.Route.EndsWith("teams", StringComparison.Ordinal)
                ? relation == "stranger" ? company.South : company.North
                : company[relation ?? "stranger"].Id;
            var isShown = page.Contains(datum.ToString(), StringComparison.Ordinal);
            return isShown == isIn ? null : $"{relation}'s is {(isIn ? "missing" : "shown")}";
        }

        if (row.Route == "/api/v1/events")
        {
            var captured = await company.LeadOf(relation);
            var feed = (await company.Read(caller, $"{row.Route}?after={company.Last - 20}")).Text;
            return feed.Contains(captured.ToString(), StringComparison.Ordinal) == isIn ? null
                : $"what happened to a lead of {relation ?? "nobody"} ({captured}) is {(isIn ? "missing" : "told")}:\n{feed}";
        }

        var before = await List(row, caller);
        var lead = await company.LeadOf(relation);
        var after = await List(row, caller);
        return before != after == isIn ? null
            : $"a lead of {relation ?? "nobody"} ({lead}) {(isIn ? "is missing" : "leaves a trace")}:\n{before}\n{after}";
    }

    private async Task<string> List(PermissionTable.Row row, string caller)
    {
        var query = row.Route switch
        {
            "/api/v1/reports/trend" => "?metric=captured&interval=month",
            "/api/v1/leads" => "?limit=200",
            _ => "",
        };
        return (await company.Read(caller, row.Route + query)).Text;
    }

    private async Task<Guid> TargetOf(PermissionTable.Row row, string? relation) =>
        row.Route.StartsWith("/api/v1/leads/{id}", StringComparison.Ordinal) ? await company.LeadOf(relation)
        : row.Route == "/api/v1/teams/{id}" && row.IsItem ? relation == "stranger" ? company.South : company.North
        : Guid.Parse("00000000-0000-7000-8000-000000000001");

    private async Task<HttpClient> ClientOf(PermissionTable.Row row, string caller) =>
        caller == "anonymous" ? company.Anonymous()
        : row.Route is "/api/v1/auth/logout" or "/api/v1/auth/password" ? (await company.Again(caller)).Client
        : company[caller].Client;

    private async Task<Answer> Send(HttpClient client, PermissionTable.Row row, Guid id, string? relation)
    {
        var path = Parameter().Replace(row.Route, parameter => parameter.Value switch
        {
            "{name}" => "lead_board",
            "{position}" => "1",
            "{id}" when row.Route.StartsWith("/api/v1/ops/parked", StringComparison.Ordinal) => "1",
            _ => id.ToString(),
        });
        var headers = row.Method == "GET" && company.Last > 0
            ? new[] { ("After-Position", company.Last.ToString(CultureInfo.InvariantCulture)) }
            : [];
        return await client.Send(new HttpMethod(row.Method), path, BodyOf(row, relation), headers);
    }

    private string? BodyOf(PermissionTable.Row row, string? relation)
    {
        if (row.Method == "GET")
        {
            return null;
        }

        if (row.ToString() == "POST /api/v1/leads")
        {
            return relation is null ? """{"lastName":"x"}""" : $$"""{"lastName":"x","ownerId":"{{company[relation].Id}}"}""";
        }

        if (row.Route.StartsWith("/api/v1/leads", StringComparison.Ordinal))
        {
            Assert.True(Bodies.TryGetValue(row.ToString(), out var body), $"{row} has no body here: it would be refused for its shape.");
            return body.Replace("AGENT", company["mate"].Id.ToString(), StringComparison.Ordinal);
        }

        return row.Route.StartsWith("/api/v1/ops", StringComparison.Ordinal) ? null : "{}";
    }

    /// <summary>Who calls, and whose the datum is; null for nobody's. Where the column does not say, it is a stranger's.</summary>
    private static (string Caller, string? Relation) Of(string column) => column switch
    {
        "manager_company" => ("overseer", "stranger"),
        "manager_own" => ("manager", "manager"),
        "manager_team" => ("manager", "mate"),
        "manager_stranger" => ("manager", "stranger"),
        "manager_pool" => ("manager", null),
        "agent_own" => ("agent", "agent"),
        "agent_team" => ("agent", "mate"),
        "agent_stranger" => ("agent", "stranger"),
        "agent_pool" => ("agent", null),
        _ => (column, "stranger"),
    };

    /// <summary>Everything that an answer tells, but for its trace.</summary>
    private static string Told(Answer answer) => Trace().Replace(answer.Text, "") + "\n" + string.Join('\n', answer.Message.Headers
        .Concat(answer.Message.Content.Headers)
        .Where(header => !header.Key.StartsWith("RateLimit", StringComparison.OrdinalIgnoreCase))
        .Where(header => header.Key is not ("Date" or "Content-Length"))
        .Select(header => $"{header.Key}: {string.Join(',', header.Value)}").Order(StringComparer.Ordinal));

    private Dictionary<string, List<string>> Mapped()
    {
        var mapped = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var route in company.Host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>())
        {
            var path = Constraint().Replace("/" + (route.RoutePattern.RawText ?? "").Trim('/'), "{${name}}");
            path = path.StartsWith("/docs", StringComparison.Ordinal) ? "/docs"
                : path.StartsWith("/openapi", StringComparison.Ordinal) ? "/openapi/v1.json"
                : path;
            var isOpen = route.Metadata.GetMetadata<IAllowAnonymous>() is not null;
            foreach (var method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"])
            {
                mapped[$"{(method == "HEAD" ? "GET" : method)} {path}"] = isOpen ? []
                    : [.. route.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(data => data.Policy ?? "").Distinct()];
            }
        }

        // Files, not endpoints.
        mapped["GET /docs"] = [];
        Assert.True(mapped.Count > 40, "The host's routes were not found.");
        return mapped;
    }

    [GeneratedRegex(@"\{[a-zA-Z]+\}", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Parameter();

    [GeneratedRegex(@"\{\**(?<name>\w+)[^}]*\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Constraint();

    [GeneratedRegex("\"traceId\":\"[^\"]*\"", RegexOptions.None, matchTimeoutMilliseconds: 1_000)]
    private static partial Regex Trace();
}

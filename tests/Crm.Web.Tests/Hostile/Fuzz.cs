using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Crm.Web.Tests.Hostile;

/// <summary>One route of the OpenAPI document, as far as the fuzz needs it.</summary>
public sealed record FuzzedRoute(
    string Method, string Path, IReadOnlyList<(string Name, string In)> Parameters, IReadOnlyList<string> Fields, bool HasBody);

/// <summary>A request that the fuzz made up.</summary>
public sealed record FuzzedRequest(string Method, string Path, IReadOnlyList<(string Name, string Value)> Headers, string? MediaType, byte[]? Body)
{
    public override string ToString() =>
        $"{Method} {Path} {string.Join(' ', Headers.Select(header => $"{header.Name}: {JsonSerializer.Serialize(header.Value)}"))} "
        + $"{MediaType} {(Body is null ? "" : Convert.ToBase64String(Body[..Math.Min(Body.Length, 600)]))}";
}

/// <summary>Makes requests from the OpenAPI document: each is the same for the same seed and number.</summary>
public sealed class Fuzz(int seed, IReadOnlyList<FuzzedRoute> routes, IReadOnlyList<Guid> known)
{
    // Waiting for a position that is far ahead is promised to take up to 5 s: only near ones are asked for.
    private static readonly HashSet<string> waits = new(["After-Position", "asOfPosition"], StringComparer.OrdinalIgnoreCase);

    /// <summary>The routes of a document. Left out: the stream that does not end.</summary>
    public static IReadOnlyList<FuzzedRoute> RoutesOf(JsonElement document) =>
    [
        .. from path in document.GetProperty("paths").EnumerateObject()
           where !path.Name.EndsWith("/events/stream", StringComparison.Ordinal)
           from operation in path.Value.EnumerateObject()
           where operation.Name is "get" or "post" or "patch" or "put" or "delete"
           select new FuzzedRoute(
               operation.Name.ToUpperInvariant(),
               path.Name,
               [.. Parameters(path.Value), .. Parameters(operation.Value)],
               [.. Fields(document, operation.Value).Distinct(StringComparer.Ordinal)],
               operation.Value.TryGetProperty("requestBody", out _)),
    ];

    /// <summary>The request of this number.</summary>
    public FuzzedRequest Make(int number)
    {
        var random = new Random(HashCode(seed, number));
        var route = routes[number % routes.Count];
        var headers = new List<(string, string)>();
        var query = new List<string>();
        var path = route.Path;
        foreach (var (name, where) in route.Parameters)
        {
            if (where == "path")
            {
                path = path.Replace("{" + name + "}", Uri.EscapeDataString(Id(random)), StringComparison.Ordinal);
            }
            else if (random.Next(3) == 0)
            {
                var value = Value(random, name);
                if (where == "query")
                {
                    query.Add($"{name}={(random.Next(20) == 0 ? Raw(value) : Uri.EscapeDataString(Whole(value)))}");
                }
                else
                {
                    headers.Add((name, value));
                }
            }
        }

        if (random.Next(15) == 0)
        {
            query.Add($"{Uri.EscapeDataString(Whole(Value(random, "x")))}=1");
        }

        if (random.Next(15) == 0)
        {
            headers.Add((random.Next(4) switch { 0 => "X-Correlation-Id", 1 => "traceparent", 2 => "Accept", _ => "If-None-Match" }, Value(random, "x")));
        }

        var hasBody = route.HasBody || random.Next(30) == 0;
        return new FuzzedRequest(
            random.Next(60) == 0 ? "PUT" : route.Method,
            query.Count == 0 ? path : path + "?" + string.Join('&', query),
            headers,
            !hasBody ? null : random.Next(25) == 0 ? FuzzValues.MediaTypes[random.Next(FuzzValues.MediaTypes.Count)] : "application/json",
            hasBody ? Body(random, route) : null);
    }

    private static int HashCode(int seed, int number) => unchecked((seed * 486187739) + (number * 16777619));

    private string Id(Random random) => random.Next(3) > 0 && known.Count > 0 ? known[random.Next(known.Count)].ToString() : Whole(Value(random, "id"));

    private string Value(Random random, string name)
    {
        while (true)
        {
            var value = random.Next(4) == 0
                ? FuzzValues.Plausible[random.Next(FuzzValues.Plausible.Count)]
                : FuzzValues.Hostile[random.Next(FuzzValues.Hostile.Count)];
            if (!waits.Contains(name) || !long.TryParse(value, NumberStyles.Any, CultureInfo.InvariantCulture, out var position) || position < 10)
            {
                return value;
            }
        }
    }

    private byte[] Body(Random random, FuzzedRoute route)
    {
        if (random.Next(12) == 0)
        {
            return FuzzValues.Bodies[random.Next(FuzzValues.Bodies.Count)];
        }

        var fields = route.Fields.Where(_ => random.Next(2) == 0).Select(field => $"\"{field}\":{Json(random)}").ToList();
        if (random.Next(12) == 0)
        {
            fields.Add($"{JsonSerializer.Serialize(Whole(Value(random, "x")))}:1");
        }

        if (fields.Count > 0 && random.Next(20) == 0)
        {
            fields.Add(fields[0]); // the same field twice
        }

        return Encoding.UTF8.GetBytes("{" + string.Join(',', fields) + "}");
    }

    private string Json(Random random) => random.Next(12) switch
    {
        0 => FuzzValues.JsonValues[random.Next(FuzzValues.JsonValues.Count)],
        1 => $"\"{known[random.Next(known.Count)]}\"",
        2 => $"[{JsonSerializer.Serialize(Whole(Value(random, "x")))}]",
        3 => $"{{\"amount\":{FuzzValues.JsonValues[random.Next(FuzzValues.JsonValues.Count)]},\"currency\":\"EUR\"}}",
        _ => JsonSerializer.Serialize(Whole(Value(random, "x"))),
    };

    // As a client that sends what it has: neither half characters nor control characters survive its own encoding.
    private static string Whole(string text) => new([.. text.Where(letter => !char.IsSurrogate(letter))]);

    private static string Raw(string text) => string.Concat(text.Where(letter => letter is > ' ' and <= '~' and not '#')).Replace("&", "%", StringComparison.Ordinal);

    private static IEnumerable<(string Name, string In)> Parameters(JsonElement of) => of.TryGetProperty("parameters", out var parameters)
        ? parameters.EnumerateArray().Select(parameter => (parameter.GetProperty("name").GetString() ?? "", parameter.GetProperty("in").GetString() ?? ""))
        : [];

    private static IEnumerable<string> Fields(JsonElement document, JsonElement operation)
    {
        if (!operation.TryGetProperty("requestBody", out var body) || !body.TryGetProperty("content", out var content))
        {
            yield break;
        }

        foreach (var schema in content.EnumerateObject().Select(kind => kind.Value.GetProperty("schema")))
        {
            var at = schema;
            while (at.TryGetProperty("$ref", out var reference))
            {
                var name = (reference.GetString() ?? "").Split('/')[^1];
                at = document.GetProperty("components").GetProperty("schemas").GetProperty(name);
            }

            foreach (var field in at.TryGetProperty("properties", out var properties) ? properties.EnumerateObject().Select(each => each.Name) : [])
            {
                yield return field;
            }
        }
    }
}

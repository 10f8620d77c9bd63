using System.Globalization;

namespace Crm.Web.Http;

/// <summary>What a query parameter's value is.</summary>
public enum ParameterKind
{
    /// <summary>Any text.</summary>
    Text,

    /// <summary>A whole number.</summary>
    Number,

    /// <summary>An RFC 3339 time.</summary>
    Time,

    /// <summary>A UUID.</summary>
    Id,

    /// <summary>One of some words.</summary>
    Word,
}

/// <summary>A query parameter that a route takes: the list from which it is checked, and described in the OpenAPI document.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What its value is.</param>
/// <param name="Description">What it does, for people.</param>
public sealed record QueryParameter(string Name, ParameterKind Kind, string Description)
{
    /// <summary>The words that it may be; empty where it is no word.</summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>Whether a request without it is refused.</summary>
    public bool Required { get; init; }
}

/// <summary>The query parameters that a route takes; a request with any other is refused.</summary>
public sealed record TakesQuery(IReadOnlyList<QueryParameter> Parameters);

/// <summary>Query parameters: which ones a route takes, and their values.</summary>
public static class QueryParameters
{
    /// <summary>Names the query parameters that a route takes.</summary>
    public static TBuilder Takes<TBuilder>(this TBuilder route, params QueryParameter[] parameters)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new TakesQuery(parameters));

    /// <summary>Refuses query parameters that the route does not take, or that stand twice.</summary>
    public static void UseQueryCheck(this WebApplication app) => app.Use(next => http =>
    {
        if (http.Request.QueryString.HasValue && http.GetEndpoint() is { } endpoint)
        {
            Check(http.Request.Query, endpoint.Metadata.GetMetadata<TakesQuery>()?.Parameters ?? []);
        }

        return next(http);
    });

    /// <summary>A parameter's text; null when it is not there.</summary>
    public static string? Text(this IQueryCollection query, string name, int atMost = 200)
    {
        if (!query.TryGetValue(name, out var values) || values is not [{ } text])
        {
            return null;
        }

        if (text.Contains('\0', StringComparison.Ordinal))
        {
            throw Wrong(name, "invalid-text", RequestJson.HoldsNul);
        }

        return text.Length <= atMost ? text : throw Wrong(name, "too-long", $"is longer than {atMost} characters.");
    }

    /// <summary>A parameter's whole number within bounds; null when it is not there.</summary>
    public static long? Number(this IQueryCollection query, string name, long least, long most) => query.Text(name) switch
    {
        null => null,
        { } text when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most => number,
        _ => throw Wrong(name, "out-of-range", $"is a whole number from {least} to {most}."),
    };

    /// <summary>A parameter's time; null when it is not there.</summary>
    public static DateTimeOffset? Time(this IQueryCollection query, string name) => query.Text(name) switch
    {
        null => null,

        // A plus sign that was not escaped arrives as a space.
        { } text when WireFormats.TryTime(text.Replace(' ', '+'), out var time) => time,
        _ => throw Wrong(name, "invalid-time", RequestJson.NotATime),
    };

    /// <summary>A parameter's UUID; null when it is not there.</summary>
    public static Guid? Id(this IQueryCollection query, string name) => query.Text(name) switch
    {
        null => null,
        { } text when Guid.TryParseExact(text, "D", out var id) => id,
        _ => throw Wrong(name, "invalid-id", "is not a UUID."),
    };

    /// <summary>A parameter that is one of some words; null when it is not there.</summary>
    public static string? Word(this IQueryCollection query, string name, params ReadOnlySpan<string> words)
    {
        var text = query.Text(name);
        return text is null || words.Contains(text) ? text : throw Wrong(name, "unknown-word", $"is one of {string.Join(", ", words!)}.");
    }

    /// <summary>A problem with a parameter.</summary>
    public static ProblemException Wrong(string name, string code, string message) => new(Problem.BadParameter(name, code, message));

    private static void Check(IQueryCollection query, IReadOnlyList<QueryParameter> known)
    {
        foreach (var (name, values) in query)
        {
            if (!known.Any(parameter => string.Equals(parameter.Name, name, StringComparison.Ordinal)))
            {
                throw Wrong(name, "unknown-parameter", known.Count == 0
                    ? "is not known; this address takes no query parameters."
                    : $"is not known; this address takes {string.Join(", ", known.Select(parameter => parameter.Name))}.");
            }

            if (values.Count > 1)
            {
                throw Wrong(name, "repeated", "stands more than once.");
            }
        }
    }
}

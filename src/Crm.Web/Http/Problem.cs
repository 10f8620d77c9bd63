using System.Text.Json.Serialization;
using Crm.Application;
using Crm.Domain;
using Crm.Projections;

namespace Crm.Web.Http;

/// <summary>An error as clients see it: RFC 9457 <c>application/problem+json</c>.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The stable code, such as <c>not-qualified</c>.</param>
/// <param name="Title">What kind of problem it is, the same for each code.</param>
/// <param name="Detail">What is the matter this time, for people; never a secret, a stack or SQL.</param>
public sealed record Problem(int Status, string Code, string Title, string Detail)
{
    /// <summary>A stable reference to the kind of problem.</summary>
    [JsonPropertyOrder(-1)]
    public string Type => $"/problems/{Code}";

    /// <summary>The request's trace, to find it in the log.</summary>
    public string? TraceId { get; init; }

    /// <summary>Which fields are wrong; null where no field is.</summary>
    public IReadOnlyList<FieldError>? Errors { get; init; }

    /// <summary>The stream's version now, where another was asked for.</summary>
    public long? Version { get; init; }

    /// <summary>What changed since the version that was asked for.</summary>
    public IReadOnlyList<FieldChange>? Changed { get; init; }

    /// <summary>After how many seconds the request may be repeated; null where that would not help.</summary>
    [JsonIgnore]
    public int? RetryAfter { get; init; }

    /// <summary>The request cannot be understood.</summary>
    public static Problem Malformed(string detail) => new(400, "malformed", "The request cannot be read.", detail);

    /// <summary>A query parameter is wrong.</summary>
    public static Problem BadParameter(string name, string code, string message) => new(400, "invalid-parameter", "A query parameter is wrong.", $"{name}: {message}")
    {
        Errors = [new FieldError($"/{name}", code, message)],
    };

    /// <summary>Fields of the body are wrong.</summary>
    public static Problem Invalid(params IReadOnlyList<FieldError> errors) => new(
        422, "invalid", "Some fields are not valid.", string.Join(' ', errors.Select(error => $"{error.Pointer} {error.Message}")))
    {
        Errors = errors,
    };

    /// <summary>There is nothing at this address.</summary>
    public static Problem NotFound(string detail = "There is nothing at this address.") => new(404, "not-found", "Not found.", detail);

    /// <summary>A dependency cannot be reached just now; the request may be repeated.</summary>
    public static Problem Unavailable(string detail, int retryAfter = 1) =>
        new(503, "unavailable", "The service is not available just now.", detail) { RetryAfter = retryAfter };

    /// <summary>An idempotency key was used for another request before.</summary>
    public static Problem KeyReused { get; } = new(
        422, "idempotency-key-reused", "The idempotency key was used for another request.", "Use a new key for each request.");

    /// <summary>The same request is being carried out at this moment.</summary>
    public static Problem InFlight { get; } = new(
        409, "request-in-flight", "The same request is being carried out.", "Repeat it in a moment to get its answer.")
    { RetryAfter = 1 };

    /// <summary>What says whom leads belong to is too old to go by; the request may be repeated.</summary>
    public static Problem Behind { get; } = new(
        503, "behind", "The service is not available just now.", "The list is too far behind the log to say whose leads these are.")
    { RetryAfter = 2 };

    /// <summary>The rules forbid it.</summary>
    public static Problem Of(Refusal refusal) => new(SavedAnswer.StatusOf(refusal.Kind), refusal.Code, TitleOf(refusal.Kind), refusal.Because)
    {
        Errors = refusal.Pointer is { } pointer ? [new FieldError(pointer, refusal.Code, refusal.Because)] : null,
    };

    private static string TitleOf(RefusalKind kind) => kind switch
    {
        RefusalKind.Conflict => "The state it is in does not permit this.",
        RefusalKind.NotFound => "Not found.",
        RefusalKind.Invalid => "Some fields are not valid.",
        RefusalKind.Forbidden => "Not permitted.",
    };
}

/// <summary>What is wrong with one field.</summary>
/// <param name="Pointer">Where it stands in the body (JSON pointer), or the name of the query parameter behind a slash.</param>
/// <param name="Code">The stable code, such as <c>too-long</c>.</param>
/// <param name="Message">What is wrong, for people.</param>
public sealed record FieldError(string Pointer, string Code, string Message);

/// <summary>Ends a request with a problem from where no answer can be returned, such as while its body is read.</summary>
public sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    /// <summary>What the client is told.</summary>
    public Problem Problem { get; } = problem;
}

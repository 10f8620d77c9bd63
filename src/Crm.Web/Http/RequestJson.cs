using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FluentValidation;
using FluentValidation.Results;

namespace Crm.Web.Http;

/// <summary>A request's body: how it is read and what is checked of its shape.</summary>
/// <typeparam name="TSelf">The record itself.</typeparam>
public interface IRequestBody<TSelf>
    where TSelf : class, IRequestBody<TSelf>
{
    /// <summary>How it is read, source-generated.</summary>
    static abstract JsonTypeInfo<TSelf> Json { get; }

    /// <summary>What is checked of its shape; null when there is nothing to check.</summary>
    static abstract IValidator<TSelf>? Validator { get; }

    /// <summary>What a request without a body means; null when it must have one.</summary>
    static virtual TSelf? WhenEmpty => null;

    /// <summary>Which media type it may have besides <c>application/json</c>; null for none.</summary>
    static virtual string? OtherMediaType => null;
}

/// <summary>Reads JSON bodies, and says which field is wrong in one that cannot be read.</summary>
public static class RequestJson
{
    /// <summary>How deep a body may nest.</summary>
    public const int MaxDepth = 32;

    internal const string HoldsNul = "holds the NUL character, which cannot be stored.";
    internal const string NotUnicode = "holds half a character (a lone surrogate, or bytes that are not UTF-8).";
    internal const string NotATime = "is not a time as RFC 3339 writes it, with an offset, such as 2026-11-20T20:31:00Z.";

    /// <summary>Reads and checks a body.</summary>
    /// <exception cref="ProblemException">It cannot be read, or a field is wrong.</exception>
    public static T Read<T>(in ReadOnlySequence<byte> body)
        where T : class, IRequestBody<T>
    {
        if (body.IsEmpty)
        {
            return T.WhenEmpty ?? throw new ProblemException(Problem.Malformed("The request needs a JSON body."));
        }

        var value = Parse(body, T.Json);
        if (T.Validator?.Validate(value) is { IsValid: false } checks)
        {
            throw new ProblemException(Problem.Invalid([.. checks.Errors.Select(ErrorOf)]));
        }

        return value;
    }

    private static T Parse<T>(in ReadOnlySequence<byte> body, JsonTypeInfo<T> json)
        where T : class
    {
        try
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = MaxDepth });
            var value = JsonSerializer.Deserialize(ref reader, json);
            while (reader.Read())
            {
                throw new JsonException();
            }

            return value ?? throw new ProblemException(Problem.Malformed("The body must be a JSON object, not null."));
        }
        catch (JsonException wrong)
        {
            throw new ProblemException(IsWellFormed(body) is { } where ? where : FieldProblem(wrong, json, body));
        }
    }

    /// <summary>What is wrong with the text as JSON; null when it is well-formed.</summary>
    private static Problem? IsWellFormed(in ReadOnlySequence<byte> body)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            while (reader.Read())
            {
            }

            return null;
        }
        catch (JsonException malformed)
        {
            return Problem.Malformed(
                $"The body is not JSON of at most {MaxDepth} levels: line {malformed.LineNumber + 1}, byte {malformed.BytePositionInLine + 1}.");
        }
    }

    private static Problem FieldProblem(JsonException wrong, JsonTypeInfo root, in ReadOnlySequence<byte> body)
    {
        var pointer = PointerOf(wrong.Path ?? "$");
        return wrong.Message switch
        {
            HoldsNul or NotUnicode => Problem.Invalid(new FieldError(pointer, "invalid-text", wrong.Message)),
            NotATime => Problem.Invalid(new FieldError(pointer, "invalid-time", NotATime)),
            _ when !IsKnown(pointer, root) => Problem.Invalid(new FieldError(pointer, "unknown-field", "is not a field of this request.")),
            _ when Missing(body, root) is { Count: > 0 } missing => Problem.Invalid(missing),
            _ when pointer.Length == 0 => Problem.Invalid(new FieldError("", "wrong-type", "The body must be a JSON object.")),
            _ => Problem.Invalid(new FieldError(pointer, "wrong-type", "has the wrong type, is not one of the known words, or stands twice.")),
        };
    }

    private static IReadOnlyList<FieldError> Missing(in ReadOnlySequence<byte> body, JsonTypeInfo root)
    {
        using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = MaxDepth });
        return document.RootElement.ValueKind != JsonValueKind.Object
            ? []
            : [.. root.Properties
                .Where(property => property.IsRequired && !document.RootElement.TryGetProperty(property.Name, out _))
                .Select(property => new FieldError("/" + property.Name, "required", "is required."))];
    }

    private static bool IsKnown(string pointer, JsonTypeInfo type)
    {
        var at = type;
        foreach (var name in pointer.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (at.Kind != JsonTypeInfoKind.Object)
            {
                return true;
            }

            var property = at.Properties.FirstOrDefault(candidate => string.Equals(candidate.Name, name, StringComparison.Ordinal));
            if (property is null)
            {
                return false;
            }

            at = at.Options.GetTypeInfo(property.PropertyType);
        }

        return true;
    }

    /// <summary>A JSON pointer from the path of an exception: <c>$.value.amount</c>, <c>$.tags[0]</c>, <c>$['a.b']</c>.</summary>
    private static string PointerOf(string path)
    {
        var pointer = new System.Text.StringBuilder();
        for (var index = 1; index < path.Length; index++)
        {
            if (path[index] == '[' && index + 1 < path.Length && path[index + 1] == '\'')
            {
                var end = path.IndexOf("']", index, StringComparison.Ordinal);
                pointer.Append('/').Append(path[(index + 2)..end].Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal));
                index = end + 1;
            }
            else if (path[index] != ']')
            {
                pointer.Append(path[index] is '.' or '[' ? '/' : path[index]);
            }
        }

        return pointer.ToString();
    }

    /// <summary>A failed check as a field's error: <c>Value.Amount</c> is <c>/value/amount</c>.</summary>
    private static FieldError ErrorOf(ValidationFailure failure)
    {
        var names = failure.PropertyName.Replace("[", ".", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal)
            .Split('.', StringSplitOptions.RemoveEmptyEntries);
        return new FieldError(string.Concat(names.Select(name => "/" + JsonNamingPolicy.CamelCase.ConvertName(name))), failure.ErrorCode, failure.ErrorMessage);
    }
}

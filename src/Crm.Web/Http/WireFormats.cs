using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Crm.Application.Integrity;
using Crm.Application.Undo;
using Crm.Domain.Leads;
using Crm.Domain.Users;

namespace Crm.Web.Http;

/// <summary>How values look in requests and answers: camelCase, enums as lowercase words, times in UTC with microseconds.</summary>
public static class WireFormats
{
    /// <summary>How deep an answer may nest.</summary>
    public const int MaxDepth = 64;

    /// <summary>The options of a source-generated context of requests and answers; each context takes its own.</summary>
    public static JsonSerializerOptions Options(JsonIgnoreCondition ignore = JsonIgnoreCondition.Never) => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        MaxDepth = MaxDepth,
        DefaultIgnoreCondition = ignore,

        // Every script is written as it is; answers are JSON by their media type, and no browser may guess another.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters =
        {
            new PlainText(),
            new UtcMicroseconds(),
            Words<LeadStatus>(),
            Words<Temperature>(),
            Words<ActivityKind>(),
            Words<ActivityDirection>(),
            Words<Oversight>(),
            Words<Role>(),
            Words<FieldOutcome>(),
            Words<CheckKind>(),
            Words<Severity>(),
            Words<UndoneLeadOutcome>(),
        },
    };

    /// <summary>A time as it is written everywhere: <c>2026-11-20T20:31:00.123456Z</c>.</summary>
    public static string Text(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Reads a time: RFC 3339 with an offset; kept in UTC to the microsecond.</summary>
    public static bool TryTime(string text, out DateTimeOffset time)
    {
        time = default;
        if (text.Length < 20 || text[10] is not ('T' or 't') || text[^1] is not ('Z' or 'z') && text[^6] is not ('+' or '-'))
        {
            return false;
        }

        var read = DateTimeOffset.TryParseExact(
            text.ToUpperInvariant(),
            ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"],
            CultureInfo.InvariantCulture,
            DateTimeStyles.AdjustToUniversal,
            out var parsed);
        time = Microseconds(parsed);
        return read;
    }

    /// <summary>A time to the microsecond, as the database keeps it.</summary>
    public static DateTimeOffset Microseconds(DateTimeOffset time) => new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

    private static JsonStringEnumConverter<T> Words<T>()
        where T : struct, Enum => new(JsonNamingPolicy.CamelCase, allowIntegerValues: false);

    /// <summary>Text without the NUL character, which PostgreSQL cannot store; lone surrogates are refused by the reader itself.</summary>
    private sealed class PlainText : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.String)
            {
                throw new JsonException();
            }

            try
            {
                // A token of type String has a text.
                return reader.GetString() is { } text && !text.Contains('\0', StringComparison.Ordinal)
                    ? text
                    : throw new JsonException(RequestJson.HoldsNul);
            }
            catch (InvalidOperationException half)
            {
                throw new JsonException(RequestJson.NotUnicode, half);
            }
        }

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);

        public override void WriteAsPropertyName(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WritePropertyName(value);
    }

    private sealed class UtcMicroseconds : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.String && reader.GetString() is { } text && TryTime(text, out var time)
                ? time
                : throw new JsonException(RequestJson.NotATime);

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
        {
            Span<char> text = stackalloc char[27];
            value.UtcDateTime.TryFormat(text, out var written, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
            writer.WriteStringValue(text[..written]);
        }
    }
}

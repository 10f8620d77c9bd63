using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Crm.EventStore.Sealing;

namespace Crm.EventStore.Log;

/// <summary>The envelope as it stands in <c>mt_events.headers</c>; correlation and causation have columns of their own.</summary>
internal static class EventHeaders
{
    private static readonly JsonWriterOptions options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The path by which a sealed reason is bound to the headers: no object of an event has it.</summary>
    public static ReadOnlySpan<byte> Path => "@headers"u8;

    /// <summary>The headers as JSON text that is open at its end, so that the log can write <c>recordedAt</c> into it.</summary>
    public static string Open(Envelope envelope)
    {
        Check(envelope);
        return Text(Write(envelope, envelope.Reason));
    }

    /// <summary>The same with the reason sealed, which there must be.</summary>
    public static string OpenSealed(Envelope envelope, in SealedPlace place, StreamCipher cipher)
    {
        Check(envelope);
        var reason = Write(new Envelope(Actor: null), envelope.Reason);
        var headers = Write(envelope, reason: null);
        var open = new ArrayBufferWriter<byte>(headers.WrittenCount + (2 * reason.WrittenCount) + 64);
        open.Write(headers.WrittenSpan[..^1]);
        open.Write(headers.WrittenCount == 2 ? "\"sealed\":\""u8 : ",\"sealed\":\""u8);
        cipher.Seal(reason.WrittenSpan[1..^1], place, Path, open);
        open.Write("\"}"u8);
        return Text(open);
    }

    /// <summary>Reads the stored headers.</summary>
    public static (Envelope Envelope, DateTimeOffset? RecordedAt) Read(ReadOnlySpan<byte> json, string? correlation, string? causation)
    {
        string? actor = null, onBehalfOf = null, reason = null, operation = null, apiKey = null;
        DateTimeOffset? recordedAt = null;
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("recordedAt"u8))
            {
                reader.Read();
                recordedAt = reader.GetDateTimeOffset();
            }
            else if (reader.ValueTextEquals("actor"u8))
            {
                actor = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("onBehalfOf"u8))
            {
                onBehalfOf = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("reason"u8))
            {
                reason = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("operationId"u8))
            {
                operation = ReadText(ref reader);
            }
            else if (reader.ValueTextEquals("apiKeyId"u8))
            {
                apiKey = ReadText(ref reader);
            }
            else
            {
                // A key of a newer version of this program, or of Marten's own.
                reader.Read();
                reader.Skip();
            }
        }

        return (new Envelope(actor, onBehalfOf, correlation, causation, reason, operation, apiKey), recordedAt);
    }

    private static string Text(ArrayBufferWriter<byte> headers)
    {
        var open = Encoding.UTF8.GetString(headers.WrittenSpan[..^1]);
        return open.Length == 1 ? open : open + ",";
    }

    private static ArrayBufferWriter<byte> Write(Envelope envelope, string? reason)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = new Utf8JsonWriter(buffer, options))
        {
            writer.WriteStartObject();
            Write(writer, "actor"u8, envelope.Actor);
            Write(writer, "onBehalfOf"u8, envelope.OnBehalfOf);
            Write(writer, "reason"u8, reason);
            Write(writer, "operationId"u8, envelope.OperationId);
            Write(writer, "apiKeyId"u8, envelope.ApiKeyId);
            writer.WriteEndObject();
        }

        return buffer;
    }

    private static void Check(Envelope envelope)
    {
        StorableText.Check(envelope.Actor, "actor");
        StorableText.Check(envelope.OnBehalfOf, "on-behalf-of");
        StorableText.Check(envelope.CorrelationId, "correlation id");
        StorableText.Check(envelope.CausationId, "causation id");
        StorableText.Check(envelope.Reason, "reason");
        StorableText.Check(envelope.OperationId, "operation id");
        StorableText.Check(envelope.ApiKeyId, "API key id");
    }

    private static void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> key, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(key, value);
        }
    }

    private static string? ReadText(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetString();
    }
}

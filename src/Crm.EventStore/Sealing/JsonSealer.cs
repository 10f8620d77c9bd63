using System.Buffers;
using System.Text.Json;

namespace Crm.EventStore.Sealing;

/// <summary>
/// Takes the personal members out of an event's JSON, in one pass, and puts one sealed member in their place into each object that had
/// such. Everything is copied byte by byte as it was written.
/// </summary>
internal sealed class JsonSealer
{
    // Buffers that an uncommonly long event has made larger are not kept.
    private const int KeptBytes = 64 * 1024;

    [ThreadStatic]
    private static JsonSealer? ofThread;

    private readonly ArrayBufferWriter<byte> written = new(1024);
    private readonly List<ArrayBufferWriter<byte>> personalOf = [];

    /// <summary>The one of this thread, whose buffers have grown to their size: sealing never waits for anything.</summary>
    public static JsonSealer OfThread => ofThread ??= new JsonSealer();

    /// <summary>The JSON as it is stored; null when it holds nothing personal.</summary>
    /// <param name="json">The event's JSON.</param>
    /// <param name="personal">Which members are personal.</param>
    /// <param name="place">Where it will stand.</param>
    /// <param name="cipher">The stream's key; asked for only if something is to be sealed.</param>
    public byte[]? Seal(ReadOnlySpan<byte> json, PersonalMembers personal, in SealedPlace place, Func<StreamCipher> cipher)
    {
        written.ResetWrittenCount();
        var reader = new Utf8JsonReader(json);
        reader.Read();
        var stored = SealObject(ref reader, json, personal, place, cipher, depth: 0) ? written.WrittenSpan.ToArray() : null;
        if (written.Capacity > KeptBytes && ReferenceEquals(this, ofThread))
        {
            ofThread = null;
        }

        return stored;
    }

    // The reader stands on the object's start, and then on its end.
    private bool SealObject(
        ref Utf8JsonReader reader, ReadOnlySpan<byte> json, PersonalMembers personal, in SealedPlace place, Func<StreamCipher> cipher,
        int depth)
    {
        var own = PersonalOf(depth);
        var isSealed = false;
        var first = true;
        written.Write("{"u8);
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            var from = (int)reader.TokenStartIndex;
            var member = personal.Find(ref reader);
            reader.Read();
            if (member is { Inner: { } inner } && reader.TokenType is JsonTokenType.StartObject)
            {
                Next(ref first);
                written.Write(json[from..(int)reader.TokenStartIndex]);
                isSealed |= SealObject(ref reader, json, inner, place, cipher, depth + 1);
                continue;
            }

            reader.Skip();
            var raw = json[from..(int)reader.BytesConsumed];
            if (member is { Inner: null })
            {
                if (own.WrittenCount > 0)
                {
                    own.Write(","u8);
                }

                own.Write(raw);
            }
            else
            {
                Next(ref first);
                written.Write(raw);
            }
        }

        if (own.WrittenCount > 0)
        {
            Next(ref first);
            written.Write("\"sealed\":\""u8);
            cipher().Seal(own.WrittenSpan, place, personal.Path, written);
            written.Write("\""u8);
            isSealed = true;
        }

        written.Write("}"u8);
        return isSealed;
    }

    private void Next(ref bool first)
    {
        if (!first)
        {
            written.Write(","u8);
        }

        first = false;
    }

    private ArrayBufferWriter<byte> PersonalOf(int depth)
    {
        if (personalOf.Count == depth)
        {
            personalOf.Add(new ArrayBufferWriter<byte>(512));
        }

        personalOf[depth].ResetWrittenCount();
        return personalOf[depth];
    }
}

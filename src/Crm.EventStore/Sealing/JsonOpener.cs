using System.Buffers;
using System.Text.Json;

namespace Crm.EventStore.Sealing;

/// <summary>
/// Puts the personal members back in the place of the sealed ones, so that the JSON is what the event was written as. It goes by what is
/// stored, whatever members are personal today; once the key is destroyed, what must be there stands as erased.
/// </summary>
internal sealed class JsonOpener
{
    private readonly ArrayBufferWriter<byte> written = new(1024);

    /// <summary>Whether JSON may hold a sealed member; most that do not are told at a glance.</summary>
    public static bool MayBeSealed(ReadOnlySpan<byte> json) => json.IndexOf("\"sealed\""u8) >= 0;

    /// <summary>The JSON with what was sealed; it holds until the next call.</summary>
    /// <param name="json">The JSON as it is stored.</param>
    /// <param name="root">The path of its root.</param>
    /// <param name="personal">Which members are personal today; null where none are.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="cipher">The stream's key; null once it is destroyed. Asked for only if something is sealed.</param>
    /// <param name="erased">Whether something was sealed whose key is destroyed.</param>
    public ReadOnlySpan<byte> Open(
        ReadOnlySpan<byte> json, ReadOnlySpan<byte> root, PersonalMembers? personal, in SealedPlace place, Func<StreamCipher?> cipher,
        out bool erased)
    {
        written.ResetWrittenCount();
        var walk = new Walk(json, place, cipher);
        var reader = new Utf8JsonReader(json);
        if (reader.Read() && reader.TokenType is JsonTokenType.StartObject)
        {
            OpenObject(ref reader, ref walk, root, personal);
        }

        erased = walk.Erased;
        if (walk.Copied == 0)
        {
            return json;
        }

        written.Write(json[walk.Copied..]);
        return written.WrittenSpan;
    }

    // The reader stands on the object's start, and then on its end.
    private void OpenObject(ref Utf8JsonReader reader, ref Walk walk, ReadOnlySpan<byte> path, PersonalMembers? personal)
    {
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            var from = (int)reader.TokenStartIndex;
            if (reader.ValueTextEquals("sealed"u8))
            {
                reader.Read();
                OpenMember(ref reader, ref walk, from, path, personal);
                reader.Skip();
                continue;
            }

            var name = reader.ValueSpan;
            reader.Read();
            if (reader.TokenType is JsonTokenType.StartObject)
            {
                byte[] below = path.IsEmpty ? [.. name] : [.. path, (byte)'.', .. name];
                OpenObject(ref reader, ref walk, below, personal?.Inner(name));
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private void OpenMember(ref Utf8JsonReader reader, ref Walk walk, int from, ReadOnlySpan<byte> path, PersonalMembers? personal)
    {
        if (reader.TokenType is not JsonTokenType.String)
        {
            throw StreamCipher.Broken(walk.Place);
        }

        if (walk.Cipher() is { } cipher)
        {
            written.Write(walk.Json[walk.Copied..from]);
            cipher.Open(reader.ValueSpan, walk.Place, path, written);
            walk.Copied = (int)reader.BytesConsumed;
            return;
        }

        walk.Erased = true;
        if (personal is { Erased: { Length: > 0 } instead })
        {
            written.Write(walk.Json[walk.Copied..from]);
            written.Write(instead);
            walk.Copied = (int)reader.BytesConsumed;
        }
    }

    private ref struct Walk(ReadOnlySpan<byte> json, SealedPlace place, Func<StreamCipher?> cipher)
    {
        public readonly ReadOnlySpan<byte> Json = json;
        public readonly SealedPlace Place = place;
        public readonly Func<StreamCipher?> Cipher = cipher;
        public int Copied;
        public bool Erased;
    }
}

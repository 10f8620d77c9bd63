using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Crm.EventStore.Log;

namespace Crm.EventStore.Sealing;

/// <summary>Where a sealed value stands: in another event, or in another object of the same one, it does not open.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Version">The event's version.</param>
/// <param name="Name">The event's stored name.</param>
internal readonly record struct SealedPlace(Guid Stream, long Version, string Name);

/// <summary>
/// AES-256-GCM under one stream's key. A sealed value is, in base64: one byte with the version of this form, a nonce of 12 bytes, the
/// ciphertext, a tag of 16 bytes. Authenticated with it: the stream's id (16 bytes) and the event's version (8 bytes), both with the
/// highest byte first, its stored name, a NUL, and the path of the object.
/// </summary>
internal sealed class StreamCipher(ReadOnlySpan<byte> key) : IDisposable
{
    private const byte Form = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int Overhead = 1 + NonceBytes + TagBytes;

    // What fits is sealed and opened on the stack.
    private const int SmallBytes = 512;

    private readonly AesGcm cipher = new(key, TagBytes);

    /// <summary>Seals a text and writes it in base64.</summary>
    public void Seal(ReadOnlySpan<byte> plain, in SealedPlace place, ReadOnlySpan<byte> path, ArrayBufferWriter<byte> to)
    {
        Span<byte> small = stackalloc byte[SmallBytes];
        var box = Room(small, Overhead + plain.Length);
        box[0] = Form;
        var nonce = box.Slice(1, NonceBytes);
        RandomBytes.Fill(nonce);
        Span<byte> smallWith = stackalloc byte[SmallBytes];
        var with = Authenticated(place, path, smallWith);
        cipher.Encrypt(nonce, plain, box.Slice(1 + NonceBytes, plain.Length), box[^TagBytes..], with);
        var length = Base64.GetMaxEncodedToUtf8Length(box.Length);
        Base64.EncodeToUtf8(box, to.GetSpan(length), out _, out var written);
        to.Advance(written);
    }

    /// <summary>Opens what <see cref="Seal"/> wrote for this place, and writes the text.</summary>
    /// <exception cref="LogCorruptException">It was sealed under another key, for another place, or was changed since.</exception>
    public void Open(ReadOnlySpan<byte> base64, in SealedPlace place, ReadOnlySpan<byte> path, ArrayBufferWriter<byte> to)
    {
        Span<byte> small = stackalloc byte[SmallBytes];
        var room = Room(small, Base64.GetMaxDecodedFromUtf8Length(base64.Length));
        Span<byte> smallWith = stackalloc byte[SmallBytes];
        if (Base64.DecodeFromUtf8(base64, room, out _, out var length) != OperationStatus.Done
            || !TryOpen(room[..length], Authenticated(place, path, smallWith), to))
        {
            throw Broken(place);
        }
    }

    /// <summary>Opens a value with what was authenticated with it; writes nothing where it does not open.</summary>
    public bool TryOpen(ReadOnlySpan<byte> box, ReadOnlySpan<byte> with, ArrayBufferWriter<byte> to)
    {
        if (box.Length < Overhead || box[0] != Form)
        {
            return false;
        }

        var length = box.Length - Overhead;
        try
        {
            var plain = to.GetSpan(length)[..length];
            cipher.Decrypt(box.Slice(1, NonceBytes), box.Slice(1 + NonceBytes, length), box[^TagBytes..], plain, with);
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        to.Advance(length);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => cipher.Dispose();

    /// <summary>A sealed value that does not open.</summary>
    internal static LogCorruptException Broken(in SealedPlace place) =>
        new($"Sealed data of event {place.Version} of stream {place.Stream} do not open: they were changed, or belong to another event.");

    private static Span<byte> Room(Span<byte> small, int length) => length <= small.Length ? small[..length] : new byte[length];

    private static ReadOnlySpan<byte> Authenticated(in SealedPlace place, ReadOnlySpan<byte> path, Span<byte> small)
    {
        const int fixedBytes = 16 + 8;
        var with = Room(small, fixedBytes + Encoding.UTF8.GetByteCount(place.Name) + 1 + path.Length);
        place.Stream.TryWriteBytes(with, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(with[16..], place.Version);
        var length = fixedBytes + Encoding.UTF8.GetBytes(place.Name, with[fixedBytes..]);
        with[length] = 0;
        path.CopyTo(with[(length + 1)..]);
        return with;
    }
}

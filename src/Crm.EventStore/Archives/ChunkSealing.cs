using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Crm.EventStore.Archives;

/// <summary>
/// How a file is encrypted: a head (eight letters, a salt), then chunks of 64 KiB, each under AES-256-GCM with its number in the nonce,
/// and with the file's name, its number and whether it is the last as what is bound to it. So a chunk that is missing, exchanged, or of
/// another file does not open, and a file that was cut short has no last chunk. After the STREAM construction (Hoang, Reyhanitabar,
/// Rogaway, Vizár: Online authenticated-encryption and its nonce-reuse misuse-resistance, 2015).
/// </summary>
internal sealed class ChunkSealing : IDisposable
{
    public const int SaltLength = 32;
    public const int HeadLength = 8 + SaltLength;
    public const int ChunkLength = 64 * 1024;
    public const int TagLength = 16;
    public const int SealedChunkLength = ChunkLength + TagLength;

    private readonly AesGcm cipher;
    private readonly byte[] bound;
    private readonly byte[] nonce = new byte[12];

    public ChunkSealing(ArchiveKey key, ReadOnlySpan<byte> salt, string name)
    {
        cipher = new AesGcm(key.OfFile(salt), TagLength);
        bound = [.. Encoding.UTF8.GetBytes(name), 0, 0, 0, 0, 0];
    }

    /// <summary>The first letters of every encrypted file.</summary>
    public static ReadOnlySpan<byte> Magic => "CRMARC01"u8;

    /// <summary>Seals one chunk; the tag comes after it.</summary>
    public void Seal(uint number, bool isLast, ReadOnlySpan<byte> plain, Span<byte> sealedChunk)
    {
        Number(number, isLast);
        cipher.Encrypt(nonce, plain, sealedChunk[..plain.Length], sealedChunk.Slice(plain.Length, TagLength), bound);
    }

    /// <summary>Opens one chunk; false when it is not what was sealed in this place.</summary>
    public bool TryOpen(uint number, bool isLast, ReadOnlySpan<byte> sealedChunk, Span<byte> plain)
    {
        Number(number, isLast);
        var length = sealedChunk.Length - TagLength;
        try
        {
            cipher.Decrypt(nonce, sealedChunk[..length], sealedChunk[length..], plain[..length], bound);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose() => cipher.Dispose();

    private void Number(uint number, bool isLast)
    {
        var place = bound.AsSpan(bound.Length - 5);
        BinaryPrimitives.WriteUInt32BigEndian(place, number);
        place[4] = isLast ? (byte)1 : (byte)0;
        place.CopyTo(nonce.AsSpan(7));
    }
}

/// <summary>Encrypts what is written to it, chunk by chunk. <see cref="Finish"/> writes the last one.</summary>
internal sealed class SealingStream : ForwardStream
{
    private readonly Stream inner;
    private readonly ChunkSealing sealing;
    private readonly byte[] plain = new byte[ChunkSealing.ChunkLength];
    private readonly byte[] chunk = new byte[ChunkSealing.SealedChunkLength];
    private int length;
    private uint number;

    public SealingStream(Stream inner, ArchiveKey key, string name)
    {
        this.inner = inner;
        var salt = RandomNumberGenerator.GetBytes(ChunkSealing.SaltLength);
        sealing = new ChunkSealing(key, salt, name);
        inner.Write(ChunkSealing.Magic);
        inner.Write(salt);
    }

    public override bool CanWrite => true;

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            // A full chunk waits for what comes after it: only then is it known not to be the last.
            if (length == plain.Length)
            {
                Emit(isLast: false);
            }

            var some = buffer[..Math.Min(buffer.Length, plain.Length - length)];
            some.CopyTo(plain.AsSpan(length));
            length += some.Length;
            buffer = buffer[some.Length..];
        }
    }

    /// <summary>Writes the last chunk.</summary>
    public void Finish() => Emit(isLast: true);

    protected override void Dispose(bool disposing)
    {
        sealing.Dispose();
        base.Dispose(disposing);
    }

    private void Emit(bool isLast)
    {
        sealing.Seal(number++, isLast, plain.AsSpan(0, length), chunk);
        inner.Write(chunk, 0, length + ChunkSealing.TagLength);
        length = 0;
    }
}

/// <summary>Decrypts a file that <see cref="SealingStream"/> wrote.</summary>
internal sealed class OpeningStream : ForwardStream
{
    private readonly Stream inner;
    private readonly string name;
    private readonly ChunkSealing sealing;
    private readonly byte[] chunk = new byte[ChunkSealing.SealedChunkLength];
    private readonly byte[] plain = new byte[ChunkSealing.ChunkLength];
    private readonly long chunks;
    private readonly int lastLength;
    private uint number;
    private int at;
    private int length;

    /// <summary>Opens a file.</summary>
    /// <param name="inner">The file, at its beginning.</param>
    /// <param name="fileLength">Its length.</param>
    /// <param name="key">The archive's key.</param>
    /// <param name="name">The name that it was sealed under.</param>
    public OpeningStream(Stream inner, long fileLength, ArchiveKey key, string name)
    {
        (this.inner, this.name) = (inner, name);
        var sealedLength = fileLength - ChunkSealing.HeadLength;
        Span<byte> head = stackalloc byte[ChunkSealing.HeadLength];
        if (sealedLength < ChunkSealing.TagLength
            || inner.ReadAtLeast(head, head.Length, throwOnEndOfStream: false) < head.Length
            || !head.StartsWith(ChunkSealing.Magic))
        {
            throw new ArchiveDamagedException(name, "it is not an encrypted file of an archive");
        }

        chunks = (sealedLength + ChunkSealing.SealedChunkLength - 1) / ChunkSealing.SealedChunkLength;
        lastLength = (int)(sealedLength - ((chunks - 1) * ChunkSealing.SealedChunkLength));
        sealing = new ChunkSealing(key, head[ChunkSealing.Magic.Length..], name);
    }

    public override bool CanRead => true;

    public override int Read(Span<byte> buffer)
    {
        if (at == length && !Next())
        {
            return 0;
        }

        var some = Math.Min(buffer.Length, length - at);
        plain.AsSpan(at, some).CopyTo(buffer);
        at += some;
        return some;
    }

    protected override void Dispose(bool disposing)
    {
        sealing.Dispose();
        base.Dispose(disposing);
    }

    private bool Next()
    {
        if (number == chunks)
        {
            return false;
        }

        var isLast = number == chunks - 1;
        var all = chunk.AsSpan(0, isLast ? lastLength : chunk.Length);
        if (all.Length < ChunkSealing.TagLength
            || inner.ReadAtLeast(all, all.Length, throwOnEndOfStream: false) < all.Length
            || !sealing.TryOpen(number, isLast, all, plain))
        {
            throw new ArchiveDamagedException(
                name, "it does not open: it was changed or cut short, belongs in another place, or was encrypted with another key");
        }

        number++;
        (at, length) = (0, all.Length - ChunkSealing.TagLength);
        return length > 0 || Next();
    }
}

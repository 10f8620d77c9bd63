using System.Security.Cryptography;
using System.Text;

namespace Crm.EventStore.Archives;

/// <summary>
/// The key that an archive is encrypted with: 32 bytes, kept by the operator and never in the archive. From it every file gets a key of
/// its own (HKDF, RFC 5869, with the file's salt), so that no nonce is ever used twice under one key.
/// </summary>
public sealed class ArchiveKey
{
    /// <summary>The length of a key in bytes.</summary>
    public const int Length = 32;

    private readonly byte[] key;

    private ArchiveKey(byte[] key) => this.key = key;

    /// <summary>By this one knows, without opening anything, whether it is the right key; it tells nothing about the key.</summary>
    public string Id => Convert.ToHexStringLower(Derived("crm archive key id", []).AsSpan(0, 8));

    /// <summary>A key of these 32 bytes.</summary>
    /// <exception cref="ArgumentException">They are not 32.</exception>
    public static ArchiveKey Of(ReadOnlySpan<byte> bytes) => bytes.Length == Length
        ? new ArchiveKey(bytes.ToArray())
        : throw new ArgumentException($"An archive's key has {Length} bytes.", nameof(bytes));

    /// <summary>The key in a file: 32 bytes in base64 (<c>openssl rand -base64 32</c>).</summary>
    /// <exception cref="ArchiveRefusedException">The file holds no such key.</exception>
    public static ArchiveKey Read(string file)
    {
        Span<byte> bytes = stackalloc byte[Length];
        return Convert.TryFromBase64String(File.ReadAllText(file).Trim(), bytes, out var length) && length == Length
            ? Of(bytes)
            : throw new ArchiveRefusedException($"{file} holds no key: it takes {Length} bytes in base64 (openssl rand -base64 32).");
    }

    /// <summary>Keeps the key out of whatever prints it.</summary>
    public override string ToString() => nameof(ArchiveKey);

    /// <summary>The key of one file.</summary>
    internal byte[] OfFile(ReadOnlySpan<byte> salt) => Derived("crm archive file", salt);

    /// <summary>The seal of a manifest: HMAC-SHA-256, in hexadecimal.</summary>
    internal string Sign(ReadOnlySpan<byte> manifest) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(Derived("crm archive manifest", []), manifest));

    private byte[] Derived(string purpose, ReadOnlySpan<byte> salt)
    {
        var derived = new byte[Length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, derived, salt, Encoding.ASCII.GetBytes(purpose));
        return derived;
    }
}

using System.Security.Cryptography;
using System.Text;

namespace Crm.EventStore.Sealing;

/// <summary>
/// The key that seals the secrets which the database keeps, such as the keys of data subjects and private keys: AES-256-GCM, so that
/// whoever reads the database or a backup of it, and not the key, has nothing. Every host of a database needs the same one.
/// </summary>
public sealed class MasterKey
{
    /// <summary>How many bytes a key has.</summary>
    public const int Length = 32;

    private const byte Version = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int Overhead = 1 + NonceBytes + TagBytes;

    private readonly byte[] key;

    // Making a cipher costs as much as sealing a key with it, and one serves one thread at a time.
    private AesGcm? spare;

    private MasterKey(byte[] key, bool isProduction)
    {
        this.key = key;
        IsProduction = isProduction;
        Id = Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 8));
    }

    /// <summary>Whether it seals what Production uses: that trusts nothing which Development has made.</summary>
    public bool IsProduction { get; }

    /// <summary>By what the database names it: the first 8 bytes of its SHA-256 in hexadecimal.</summary>
    public string Id { get; }

    /// <summary>A key of these 32 bytes.</summary>
    /// <exception cref="ArgumentException">They are not 32.</exception>
    public static MasterKey Of(ReadOnlySpan<byte> bytes, bool isProduction = false) => bytes.Length == Length
        ? new MasterKey(bytes.ToArray(), isProduction)
        : throw new ArgumentException($"A master key has {Length} bytes.", nameof(bytes));

    /// <summary>Seals a secret for one place, such as <c>signing_keys/kid</c>: in another place it does not open.</summary>
    public byte[] Seal(string place, ReadOnlySpan<byte> secret)
    {
        var box = new byte[Overhead + secret.Length];
        box[0] = Version;
        var nonce = box.AsSpan(1, NonceBytes);
        RandomBytes.Fill(nonce);
        var cipher = Take();
        cipher.Encrypt(
            nonce, secret, box.AsSpan(1 + NonceBytes, secret.Length), box.AsSpan(box.Length - TagBytes), Encoding.UTF8.GetBytes(place));
        PutBack(cipher);
        return box;
    }

    /// <summary>Opens what <see cref="Seal"/> made for this place.</summary>
    /// <exception cref="SealBrokenException">It was sealed with another master key, for another place, or was changed since.</exception>
    public byte[] Open(string place, ReadOnlySpan<byte> box)
    {
        if (box.Length < Overhead || box[0] != Version)
        {
            throw new SealBrokenException(place);
        }

        var secret = new byte[box.Length - Overhead];
        var cipher = Take();
        try
        {
            cipher.Decrypt(
                box.Slice(1, NonceBytes), box.Slice(1 + NonceBytes, secret.Length), box[^TagBytes..], secret,
                Encoding.UTF8.GetBytes(place));
            return secret;
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new SealBrokenException(place);
        }
        finally
        {
            PutBack(cipher);
        }
    }

    /// <summary>Keeps the key out of whatever prints it.</summary>
    public override string ToString() => nameof(MasterKey);

    private AesGcm Take() => Interlocked.Exchange(ref spare, null) ?? new AesGcm(key, TagBytes);

    private void PutBack(AesGcm cipher) => Interlocked.Exchange(ref spare, cipher)?.Dispose();
}

/// <summary>What the database keeps sealed does not open with this host's master key.</summary>
/// <param name="place">What it is.</param>
public sealed class SealBrokenException(string place) : Exception(
    $"{place} does not open: it was sealed with another master key or for another place, or it was changed since.");

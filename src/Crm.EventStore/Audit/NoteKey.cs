using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Crm.EventStore.Audit;

/// <summary>
/// The public key that a signed note is checked with: ECDSA on P-256 with SHA-256, which C2SP signed-note lists as signature type 0x02.
/// Its text form, the <c>vkey</c>, is <c>name+key id+base64(0x02 and the DER SubjectPublicKeyInfo)</c>.
/// </summary>
public sealed class NoteKey
{
    private const byte EcdsaSha256 = 2;

    private readonly byte[] spki;

    private NoteKey(string name, byte[] spki)
    {
        Name = name;
        this.spki = spki;
        Id = BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(spki));
    }

    /// <summary>The key's name: whose notes it signs.</summary>
    public string Name { get; }

    /// <summary>The first four bytes of the SHA-256 of the public key; with the name, what a signature names it by.</summary>
    public uint Id { get; }

    /// <summary>The id in eight hexadecimal digits.</summary>
    public string IdText => Id.ToString("x8", CultureInfo.InvariantCulture);

    /// <summary>The public key, a DER SubjectPublicKeyInfo.</summary>
    public ReadOnlySpan<byte> Spki => spki;

    /// <summary>A key by its name and public part.</summary>
    /// <exception cref="FormatException">The name cannot be a key's, or it is no public key on P-256.</exception>
    public static NoteKey Of(string name, ReadOnlySpan<byte> spki)
    {
        if (!IsName(name))
        {
            throw new FormatException("A key's name is not empty and holds no space, no plus and no control character.");
        }

        using var checks = Import(spki);
        return new NoteKey(name, spki.ToArray());
    }

    /// <summary>Reads a <c>vkey</c>.</summary>
    /// <exception cref="FormatException">It is none, or not of this type of signature.</exception>
    public static NoteKey Parse(string vkey)
    {
        var parts = vkey.Trim().Split('+', 3);
        var bytes = new byte[vkey.Length];
        if (parts.Length != 3 || !Convert.TryFromBase64String(parts[2], bytes, out var length) || length < 2 || bytes[0] != EcdsaSha256)
        {
            throw new FormatException("A key reads name+id+base64, of signature type 2 (ECDSA).");
        }

        var key = Of(parts[0], bytes.AsSpan(1, length - 1));
        return string.Equals(key.IdText, parts[1], StringComparison.OrdinalIgnoreCase)
            ? key
            : throw new FormatException($"The key's id is {key.IdText}, not {parts[1]}.");
    }

    /// <summary>Whether a name can be a key's.</summary>
    public static bool IsName(string name) =>
        name.Length > 0 && !name.Any(static each => char.IsWhiteSpace(each) || char.IsControl(each) || each == '+');

    /// <summary>Whether a signature (DER) is this key's over a text.</summary>
    public bool Verifies(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        using var key = Import(spki);
        return key.VerifyData(text, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
    }

    /// <summary>The <c>vkey</c>.</summary>
    public override string ToString() => $"{Name}+{IdText}+{Convert.ToBase64String([EcdsaSha256, .. spki])}";

    private static ECDsa Import(ReadOnlySpan<byte> spki)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(spki, out var read);
            if (read == spki.Length
                && key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value)
            {
                return key;
            }
        }
        catch (CryptographicException)
        {
            // Told below, like every other key that is none.
        }

        key.Dispose();
        throw new FormatException("It is no public key on the curve P-256.");
    }
}

/// <summary>A key pair that signs notes.</summary>
public sealed class NoteSigner : IDisposable
{
    private readonly ECDsa key;

    // An ECDsa instance is not promised to be safe for several threads.
    private readonly Lock gate = new();

    private NoteSigner(string name, ECDsa key)
    {
        this.key = key;
        PublicKey = NoteKey.Of(name, key.ExportSubjectPublicKeyInfo());
    }

    /// <summary>What its signatures are checked with.</summary>
    public NoteKey PublicKey { get; }

    /// <summary>Makes a new pair.</summary>
    /// <exception cref="FormatException">The name cannot be a key's.</exception>
    public static NoteSigner Create(string name) => Own(name, ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Reads a pair from PKCS #8.</summary>
    /// <exception cref="CryptographicException">It is no key.</exception>
    /// <exception cref="FormatException">The name cannot be a key's, or the key is not on P-256.</exception>
    public static NoteSigner FromPkcs8(string name, ReadOnlySpan<byte> pkcs8)
    {
        var imported = ECDsa.Create();
        imported.ImportPkcs8PrivateKey(pkcs8, out _);
        return Own(name, imported);
    }

    /// <summary>Reads a pair from PEM.</summary>
    /// <exception cref="ArgumentException">It holds no key that can be read.</exception>
    /// <exception cref="FormatException">The name cannot be a key's, or the key is not on P-256.</exception>
    public static NoteSigner FromPem(string name, string pem)
    {
        var imported = ECDsa.Create();
        imported.ImportFromPem(pem);
        return Own(name, imported);
    }

    /// <summary>The pair as PKCS #8.</summary>
    public byte[] ToPkcs8() => key.ExportPkcs8PrivateKey();

    /// <summary>Signs a text (DER).</summary>
    public byte[] Sign(ReadOnlySpan<byte> text)
    {
        lock (gate)
        {
            return key.SignData(text, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => key.Dispose();

    private static NoteSigner Own(string name, ECDsa key)
    {
        try
        {
            return new NoteSigner(name, key);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }
}

using System.Security.Cryptography;
using System.Text;

namespace Crm.Web.Security;

/// <summary>One ECDSA P-256 key that signs or checks ES256 signatures (RFC 7518, 3.4), named by its thumbprint (RFC 7638).</summary>
public sealed class SigningKey : IDisposable
{
    /// <summary>A signature's length: r and s, 32 bytes each.</summary>
    public const int SignatureBytes = 64;

    private readonly ECDsa key;

    // An ECDsa instance is not promised to be safe for several threads.
    private readonly Lock gate = new();

    private SigningKey(ECDsa key)
    {
        var point = key.ExportParameters(includePrivateParameters: false);
        if (!string.Equals(point.Curve.Oid.Value, ECCurve.NamedCurves.nistP256.Oid.Value, StringComparison.Ordinal))
        {
            key.Dispose();
            throw new CryptographicException("The signing key is not on the curve P-256.");
        }

        this.key = key;
        Kid = Thumbprint(point.Q);
    }

    /// <summary>The key's id: the SHA-256 thumbprint of its public part.</summary>
    public string Kid { get; }

    /// <summary>Makes a new key.</summary>
    public static SigningKey Create() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>Reads a key pair from PKCS #8.</summary>
    /// <exception cref="CryptographicException">It is not a P-256 key.</exception>
    public static SigningKey FromPkcs8(ReadOnlySpan<byte> pkcs8)
    {
        var imported = ECDsa.Create();
        imported.ImportPkcs8PrivateKey(pkcs8, out _);
        return new SigningKey(imported);
    }

    /// <summary>Reads a public key from a SubjectPublicKeyInfo: it can check signatures only.</summary>
    /// <exception cref="CryptographicException">It is not a P-256 key.</exception>
    public static SigningKey FromSpki(ReadOnlySpan<byte> spki)
    {
        var imported = ECDsa.Create();
        imported.ImportSubjectPublicKeyInfo(spki, out _);
        return new SigningKey(imported);
    }

    /// <summary>Reads a key pair from PEM.</summary>
    /// <exception cref="ArgumentException">It holds no key that can be read.</exception>
    /// <exception cref="CryptographicException">It is not a P-256 key.</exception>
    public static SigningKey FromPem(string pem)
    {
        var imported = ECDsa.Create();
        imported.ImportFromPem(pem);
        return new SigningKey(imported);
    }

    /// <summary>The key pair as PKCS #8.</summary>
    public byte[] ToPkcs8() => key.ExportPkcs8PrivateKey();

    /// <summary>The public key as a SubjectPublicKeyInfo.</summary>
    public byte[] ToSpki() => key.ExportSubjectPublicKeyInfo();

    /// <summary>Signs; r and s side by side.</summary>
    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        lock (gate)
        {
            return key.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
    }

    /// <summary>Whether the signature is this key's over the data; a signature of any other length or form is not.</summary>
    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureBytes)
        {
            return false;
        }

        lock (gate)
        {
            return key.VerifyData(data, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => key.Dispose();

    private static string Thumbprint(ECPoint point) => StrictBase64Url.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(
        $$"""{"crv":"P-256","kty":"EC","x":"{{StrictBase64Url.Encode(point.X)}}","y":"{{StrictBase64Url.Encode(point.Y)}}"}""")));
}

using System.Security.Cryptography;
using System.Text;

namespace Crm.Web.Security;

/// <summary>One ECDSA P-256 key that signs or checks ES256 signatures (RFC 7518, 3.4), named by its thumbprint (RFC 7638).</summary>
public sealed class SigningKey : VerifyingKey
{
    /// <summary>A signature's length: r and s, 32 bytes each.</summary>
    public const int SignatureBytes = 64;

    private const int CoordinateBytes = 32;

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

    /// <inheritdoc/>
    public override string Algorithm => "ES256";

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

    /// <summary>The public key of a point, 32 bytes for each coordinate: it can check signatures only. Null when there is no such point.</summary>
    public static SigningKey? FromPoint(byte[] x, byte[] y)
    {
        try
        {
            return x.Length == CoordinateBytes && y.Length == CoordinateBytes
                ? new SigningKey(ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = x, Y = y } }))
                : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
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

    /// <summary>The public point: its two coordinates, 32 bytes each.</summary>
    public (byte[] X, byte[] Y) Point()
    {
        // A point that was exported with its curve has both coordinates.
        var point = key.ExportParameters(includePrivateParameters: false).Q;
        return (point.X!, point.Y!);
    }

    /// <inheritdoc/>
    public override bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
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
    protected override void Dispose(bool disposing) => key.Dispose();

    private static string Thumbprint(ECPoint point) => StrictBase64Url.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(
        $$"""{"crv":"P-256","kty":"EC","x":"{{StrictBase64Url.Encode(point.X)}}","y":"{{StrictBase64Url.Encode(point.Y)}}"}""")));
}

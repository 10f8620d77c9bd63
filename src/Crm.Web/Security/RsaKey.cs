using System.Numerics;
using System.Security.Cryptography;

namespace Crm.Web.Security;

/// <summary>A public RSA key of another issuer: it checks RS256 signatures (RFC 7518, 3.3) and nothing else.</summary>
public sealed class RsaKey : VerifyingKey
{
    private const int LeastBits = 2048;
    private const int MostBits = 8192;
    private const int LeastExponent = 65537;

    // An RSA instance is not promised to be safe for several threads.
    private readonly Lock gate = new();
    private readonly RSA key;

    private RsaKey(RSA key) => this.key = key;

    /// <inheritdoc/>
    public override string Algorithm => "RS256";

    /// <summary>
    /// The key of a modulus and an exponent, big-endian; null when it is too weak to be trusted: shorter than 2048 bits, an exponent
    /// under 65537, or of the chips whose primes can be found from the modulus (CVE-2017-15361). Too long a one is refused too: checking
    /// by it would be a way to keep us busy.
    /// </summary>
    public static RsaKey? Of(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> exponent)
    {
        var n = new BigInteger(modulus, isUnsigned: true, isBigEndian: true);
        if (n.IsEven || n.GetBitLength() is < LeastBits or > MostBits || exponent.Length > 4)
        {
            return null;
        }

        var e = new BigInteger(exponent, isUnsigned: true, isBigEndian: true);
        if (e.IsEven || e < LeastExponent || HasGuessablePrimes(n))
        {
            return null;
        }

        var imported = RSA.Create();
        try
        {
            imported.ImportParameters(new RSAParameters
            {
                Modulus = n.ToByteArray(isUnsigned: true, isBigEndian: true),
                Exponent = e.ToByteArray(isUnsigned: true, isBigEndian: true),
            });
            return new RsaKey(imported);
        }
        catch (CryptographicException)
        {
            imported.Dispose();
            return null;
        }
    }

    /// <inheritdoc/>
    public override bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != (key.KeySize + 7) / 8)
        {
            return false;
        }

        lock (gate)
        {
            return key.VerifyData(data, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => key.Dispose();

    // Those chips made primes whose residues are powers of 65537 modulo each small prime, and so is their product. By chance that is so
    // for all of these at once about once in 2^27 keys.
    private static bool HasGuessablePrimes(BigInteger modulus)
    {
        ReadOnlySpan<int> primes = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
        foreach (var prime in primes)
        {
            var residue = (int)(modulus % prime);
            var power = 1;
            do
            {
                power = power * (LeastExponent % prime) % prime;
            }
            while (power != residue && power != 1);

            if (power != residue)
            {
                return false;
            }
        }

        return true;
    }
}

using System.Text;
using System.Text.Json;

namespace Crm.Web.Security;

/// <summary>
/// A JSON Web Signature (RFC 7515) in its compact form. How it is checked is the key's affair, never the token's choice, and a header that
/// says more than we understand is refused.
/// </summary>
public sealed class CompactJws
{
    /// <summary>The longest token that is looked at, in characters.</summary>
    public const int MaxLength = 8192;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 2 };

    private readonly byte[] signed;
    private readonly byte[] signature;

    private CompactJws(Header header, byte[] payload, byte[] signed, byte[] signature)
    {
        (Algorithm, Kid, HasOurForm) = header;
        Payload = payload;
        this.signed = signed;
        this.signature = signature;
    }

    /// <summary>The algorithm that the header names.</summary>
    public string Algorithm { get; }

    /// <summary>The key that the header names.</summary>
    public string Kid { get; }

    /// <summary>Whether the header holds nothing that <see cref="Write"/> would not have written.</summary>
    public bool HasOurForm { get; }

    /// <summary>What is said to be signed; nothing to believe until <see cref="IsSignedBy"/> says so.</summary>
    public byte[] Payload { get; }

    /// <summary>Signs a payload.</summary>
    public static string Write(ReadOnlySpan<byte> payload, SigningKey key)
    {
        var header = Encoding.UTF8.GetBytes($$"""{"alg":"ES256","kid":"{{key.Kid}}","typ":"JWT"}""");
        var signed = $"{StrictBase64Url.Encode(header)}.{StrictBase64Url.Encode(payload)}";
        return $"{signed}.{StrictBase64Url.Encode(key.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>Takes a token apart; null for what is none. Nothing of it is verified.</summary>
    public static CompactJws? Parse(ReadOnlySpan<char> token)
    {
        if (token.Length > MaxLength)
        {
            return null;
        }

        var headerEnd = token.IndexOf('.');
        var payloadEnd = token.LastIndexOf('.');
        if (headerEnd <= 0 || payloadEnd <= headerEnd + 1 || token[(headerEnd + 1)..payloadEnd].Contains('.'))
        {
            return null;
        }

        if (!StrictBase64Url.TryDecode(token[..headerEnd], out var header)
            || !StrictBase64Url.TryDecode(token[(headerEnd + 1)..payloadEnd], out var payload)
            || !StrictBase64Url.TryDecode(token[(payloadEnd + 1)..], out var signature)
            || HeaderOf(header) is not { } read)
        {
            return null;
        }

        var signed = new byte[payloadEnd];
        Encoding.ASCII.GetBytes(token[..payloadEnd], signed);
        return new CompactJws(read, payload, signed, signature);
    }

    /// <summary>Reads the payload of a token that one of our keys has signed; false for every other text.</summary>
    /// <param name="token">The token.</param>
    /// <param name="keyNamed">Our key of a <c>kid</c>; null when it is not ours.</param>
    /// <param name="payload">What was signed.</param>
    public static bool TryRead(string token, Func<string, VerifyingKey?> keyNamed, out byte[] payload)
    {
        if (Parse(token) is { HasOurForm: true } jws && keyNamed(jws.Kid) is { } key && jws.IsSignedBy(key))
        {
            payload = jws.Payload;
            return true;
        }

        payload = [];
        return false;
    }

    /// <summary>Whether the key has signed it, by the key's own algorithm, which the header must name.</summary>
    public bool IsSignedBy(VerifyingKey key) =>
        string.Equals(Algorithm, key.Algorithm, StringComparison.Ordinal) && key.Verify(signed, signature);

    // What may stand in a header is listed: so crit, b64, jwk, jku, x5u, x5c and whatever is invented next are refused. Other issuers
    // add the fingerprint of a certificate, which we have no use for, and more kinds of type than ours.
    private static Header? HeaderOf(byte[] header)
    {
        try
        {
            using var json = JsonDocument.Parse(header, Strict);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            string? algorithm = null;
            string? kid = null;
            var ours = true;
            foreach (var member in json.RootElement.EnumerateObject())
            {
                if (member.Value.ValueKind != JsonValueKind.String)
                {
                    return null;
                }

                switch (member.Name)
                {
                    case "alg":
                        algorithm = member.Value.GetString();
                        break;
                    case "kid":
                        kid = member.Value.GetString();
                        break;
                    case "typ" when member.Value.ValueEquals("JWT"):
                        break;
                    case "typ" when member.Value.ValueEquals("at+jwt") || member.Value.ValueEquals("application/at+jwt"):
                    case "x5t" or "x5t#S256":
                        ours = false;
                        break;
                    default:
                        return null;
                }
            }

            return algorithm is null || kid is null ? null : new Header(algorithm, kid, ours && algorithm is "ES256");
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that is not Unicode, such as a lone surrogate.
            return null;
        }
    }

    private sealed record Header(string Algorithm, string Kid, bool IsOurs);
}

using System.Text;
using System.Text.Json;

namespace Crm.Web.Security;

/// <summary>
/// A JSON Web Signature (RFC 7515) in its compact form and with ES256 only. The reader takes what the writer writes and
/// nothing else: the algorithm is ours, never the token's choice, and a header that says more than we understand is refused.
/// </summary>
public static class CompactJws
{
    /// <summary>The longest token that is looked at, in characters.</summary>
    public const int MaxLength = 4096;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 2 };

    /// <summary>Signs a payload.</summary>
    public static string Write(ReadOnlySpan<byte> payload, SigningKey key)
    {
        var header = Encoding.UTF8.GetBytes($$"""{"alg":"ES256","kid":"{{key.Kid}}","typ":"JWT"}""");
        var signed = $"{StrictBase64Url.Encode(header)}.{StrictBase64Url.Encode(payload)}";
        return $"{signed}.{StrictBase64Url.Encode(key.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }

    /// <summary>Reads the payload of a token that one of our keys has signed; false for every other text.</summary>
    /// <param name="token">The token.</param>
    /// <param name="keyNamed">Our key of a <c>kid</c>; null when it is not ours.</param>
    /// <param name="payload">What was signed.</param>
    public static bool TryRead(string token, Func<string, SigningKey?> keyNamed, out byte[] payload)
    {
        payload = [];
        if (token.Length > MaxLength)
        {
            return false;
        }

        var headerEnd = token.IndexOf('.', StringComparison.Ordinal);
        var payloadEnd = token.LastIndexOf('.');
        if (headerEnd <= 0 || payloadEnd <= headerEnd + 1 || token.AsSpan(headerEnd + 1, payloadEnd - headerEnd - 1).Contains('.'))
        {
            return false;
        }

        if (!StrictBase64Url.TryDecode(token.AsSpan(0, headerEnd), out var header)
            || !StrictBase64Url.TryDecode(token.AsSpan(headerEnd + 1, payloadEnd - headerEnd - 1), out var body)
            || !StrictBase64Url.TryDecode(token.AsSpan(payloadEnd + 1), out var signature)
            || KidOf(header) is not { } kid
            || keyNamed(kid) is not { } key
            || !key.Verify(Encoding.ASCII.GetBytes(token, 0, payloadEnd), signature))
        {
            return false;
        }

        payload = body;
        return true;
    }

    // Only alg, kid and typ may stand in a header: so crit, b64, jwk, jku, x5c and whatever is invented next are refused.
    private static string? KidOf(byte[] header)
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
                    default:
                        return null;
                }
            }

            return string.Equals(algorithm, "ES256", StringComparison.Ordinal) ? kid : null;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that is not Unicode, such as a lone surrogate.
            return null;
        }
    }
}

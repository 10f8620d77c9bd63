using System.Text.Json;

namespace Crm.Web.Security;

/// <summary>Reads the keys that an issuer publishes (RFC 7517), and takes of them only what can check a signature of ours to take.</summary>
public static class JsonWebKeySet
{
    private const int MostKeys = 100;

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 8 };

    /// <summary>
    /// The keys by their ids: P-256 for ES256 and RSA for RS256, for signatures, with an id. Others are left out, as are those that
    /// share an id, and those that are published with their private half: they prove nothing. Null when it is no key set.
    /// </summary>
    public static IReadOnlyDictionary<string, VerifyingKey>? Read(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var parsed = JsonDocument.Parse(json, Strict);
            if (!parsed.RootElement.TryGetProperty("keys", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() > MostKeys)
            {
                return null;
            }

            var keys = new Dictionary<string, VerifyingKey?>(StringComparer.Ordinal);
            foreach (var jwk in list.EnumerateArray())
            {
                if (jwk.ValueKind == JsonValueKind.Object && TextOf(jwk, "kid") is { Length: > 0 } kid && KeyOf(jwk) is { } key)
                {
                    keys[kid] = keys.ContainsKey(kid) ? null : key;
                }
            }

            // The filter leaves no null behind.
            return keys.Where(static pair => pair.Value is not null)
                .ToDictionary(static pair => pair.Key, static pair => pair.Value!, StringComparer.Ordinal);
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static VerifyingKey? KeyOf(JsonElement jwk)
    {
        if (jwk.TryGetProperty("d", out _) || !IsForSignatures(jwk))
        {
            return null;
        }

        return (TextOf(jwk, "kty"), TextOf(jwk, "alg")) switch
        {
            ("EC", null or "ES256") when TextOf(jwk, "crv") is "P-256" && BytesOf(jwk, "x") is { } x && BytesOf(jwk, "y") is { } y =>
                SigningKey.FromPoint(x, y),
            ("RSA", null or "RS256") when BytesOf(jwk, "n") is { } modulus && BytesOf(jwk, "e") is { } exponent =>
                RsaKey.Of(modulus, exponent),
            _ => null,
        };
    }

    private static bool IsForSignatures(JsonElement jwk)
    {
        if (jwk.TryGetProperty("use", out var use) && !(use.ValueKind == JsonValueKind.String && use.ValueEquals("sig")))
        {
            return false;
        }

        return !jwk.TryGetProperty("key_ops", out var operations)
            || (operations.ValueKind == JsonValueKind.Array
                && operations.EnumerateArray().Any(static one => one.ValueKind == JsonValueKind.String && one.ValueEquals("verify")));
    }

    private static string? TextOf(JsonElement jwk, string name) =>
        jwk.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    private static byte[]? BytesOf(JsonElement jwk, string name) =>
        TextOf(jwk, name) is { } text && StrictBase64Url.TryDecode(text, out var bytes) ? bytes : null;
}

using System.Text.Json;
using Crm.Web.ApiKeys;

namespace Crm.Web.Security;

/// <summary>Tells apart what requests bring to prove who sends them, and has it verified by whoever can.</summary>
public sealed class Proofs(SessionTokens sessions, ApiKeys.ApiKeys apiKeys, ExternalIssuers issuers, SecurityOptions options)
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false, MaxDepth = 16 };

    /// <summary>Verifies a token or a key; null when it is none of those that count here.</summary>
    public async ValueTask<Proof?> Verify(string token, string? onBehalfOf, CancellationToken ct)
    {
        if (ApiKeyText.IsMeant(token))
        {
            return await apiKeys.Verify(token, onBehalfOf, ct);
        }

        // A person's token never acts for another person.
        if (onBehalfOf is not null || CompactJws.Parse(token) is not { } jws || IssuerOf(jws.Payload) is not { } issuer)
        {
            return null;
        }

        return string.Equals(issuer, options.Issuer, StringComparison.Ordinal)
            ? await sessions.Verify(jws, ct)
            : await issuers.Verify(jws, issuer, ct);
    }

    // Says only who is to be asked: nothing of it is believed before the signature is checked by that issuer's key.
    private static string? IssuerOf(byte[] claims)
    {
        try
        {
            using var json = JsonDocument.Parse(claims, Strict);
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("iss", out var issuer) && issuer.ValueKind == JsonValueKind.String
                ? issuer.GetString()
                : null;
        }
        catch (Exception malformed) when (malformed is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}

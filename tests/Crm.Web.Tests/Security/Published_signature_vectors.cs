using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using Crm.Testing;
using Crm.Web.Security;

namespace Crm.Web.Tests.Security;

public sealed class Published_signature_vectors
{
    // RFC 7515, appendix A.3: the public key, the signing input and the signature.
    private const string RfcX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    private const string RfcY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    private const string RfcSigned =
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

    private const string RfcSignature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    [Fact]
    public void of_RFC_7515_verify_and_fail_when_changed()
    {
        using var key = KeyOf(RfcX, RfcY);
        var signed = System.Text.Encoding.ASCII.GetBytes(RfcSigned);
        var signature = Base64Url.DecodeFromChars(RfcSignature);
        Assert.True(key.Verify(signed, signature));
        signature[^1] ^= 1;
        Assert.False(key.Verify(signed, signature));
    }

    [Fact]
    public void of_RFC_7515_are_no_tokens_of_ours_for_they_name_no_key()
    {
        using var key = KeyOf(RfcX, RfcY);
        Assert.False(CompactJws.TryRead($"{RfcSigned}.{RfcSignature}", _ => key, out _));
    }

    [Fact]
    public void of_RFC_7638_have_the_published_form_of_thumbprint()
    {
        // The members in order, no white space: the digest of the key above, taken by hand.
        using var key = KeyOf(RfcX, RfcY);
        var json = $$"""{"crv":"P-256","kty":"EC","x":"{{RfcX}}","y":"{{RfcY}}"}""";
        Assert.Equal(Base64Url.EncodeToString(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(json))), key.Kid);
    }

    [Fact]
    public void of_Wycheproof_for_JSON_web_signatures_are_taken_only_where_they_are_valid_ES256()
    {
        using var vectors = Read("wycheproof", "json_web_signature_test.json");
        using var ours = SigningKey.Create();
        var taken = 0;
        var refused = 0;
        foreach (var group in vectors.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            // Groups with a shared secret have a private key only. A key that its owner keeps for other uses than signing
            // is none that we would ever hold.
            var jwk = group.TryGetProperty("public", out var stated) ? stated : group.GetProperty("private");
            var isOurKind = TextOf(jwk, "crv") == "P-256" && TextOf(jwk, "use") == "sig";
            using var key = isOurKind ? KeyOf(TextOf(jwk, "x"), TextOf(jwk, "y")) : null;
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                var expected = isOurKind && TextOf(test, "result") == "valid";
                var kid = TextOf(jwk, "kid");
                var read = CompactJws.TryRead(
                    TextOf(test, "jws"), named => string.Equals(named, kid, StringComparison.Ordinal) ? key ?? ours : null, out _);
                Assert.True(expected == read, Named(group, test));
                _ = read ? taken++ : refused++;
            }
        }

        Assert.Equal(vectors.RootElement.GetProperty("numberOfTests").GetInt32(), taken + refused);
        Assert.Equal(2, taken);
    }

    [Fact]
    public void of_Wycheproof_for_ECDSA_are_judged_as_published()
    {
        using var vectors = Read("wycheproof", "ecdsa_secp256r1_sha256_p1363_test.json");
        var judged = 0;
        foreach (var group in vectors.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            using var key = SigningKey.FromSpki(Convert.FromHexString(TextOf(group, "publicKeyDer")));
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                var verified = key.Verify(Convert.FromHexString(TextOf(test, "msg")), Convert.FromHexString(TextOf(test, "sig")));
                Assert.True((TextOf(test, "result") == "valid") == verified, Named(group, test));
                judged++;
            }
        }

        Assert.Equal(vectors.RootElement.GetProperty("numberOfTests").GetInt32(), judged);
    }

    [Fact]
    public void of_the_JOSE_cookbook_are_all_refused_for_none_is_ES256()
    {
        using var key = SigningKey.Create();
        var tokens = Directory.EnumerateFiles(SharedData.Path("jose-cookbook"), "*.json", SearchOption.AllDirectories)
            .SelectMany(file =>
            {
                using var json = JsonDocument.Parse(File.ReadAllText(file));
                return TextsIn(json.RootElement).ToList();
            })
            .Where(text => text.Count(letter => letter == '.') >= 2 && text.StartsWith("eyJ", StringComparison.Ordinal))
            .ToList();
        Assert.True(tokens.Count > 10, $"only {tokens.Count} tokens were found");
        Assert.All(tokens, token => Assert.False(CompactJws.TryRead(token, _ => key, out _), token));
    }

    private static JsonDocument Read(params string[] path) => JsonDocument.Parse(File.ReadAllText(SharedData.Path(path)));

    private static string Named(JsonElement group, JsonElement test) =>
        $"{TextOf(group, "comment")} {test.GetProperty("tcId").GetInt32()} {TextOf(test, "comment")}";

    private static string TextOf(JsonElement of, string name) =>
        of.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() ?? "" : "";

    private static SigningKey KeyOf(string x, string y)
    {
        using var key = ECDsa.Create(new ECParameters
        {
            Curve = ECCurve.NamedCurves.nistP256,
            Q = new ECPoint { X = Base64Url.DecodeFromChars(x), Y = Base64Url.DecodeFromChars(y) },
        });
        return SigningKey.FromSpki(key.ExportSubjectPublicKeyInfo());
    }

    private static IEnumerable<string> TextsIn(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => [json.GetString() ?? ""],
        JsonValueKind.Array => json.EnumerateArray().SelectMany(TextsIn),
        JsonValueKind.Object => json.EnumerateObject().SelectMany(member => TextsIn(member.Value)),
        _ => [],
    };
}

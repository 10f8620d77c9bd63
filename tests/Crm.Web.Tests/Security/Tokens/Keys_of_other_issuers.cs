using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Crm.Testing;
using Crm.Web.Security;

namespace Crm.Web.Tests.Security.Tokens;

public sealed class Keys_of_other_issuers
{
    [Fact]
    public void of_Wycheproof_for_JSON_web_signatures_take_what_is_valid_RS256_or_ES256_and_nothing_else()
    {
        using var vectors = Read("wycheproof", "json_web_signature_test.json");
        var (taken, refused) = (0, 0);
        foreach (var group in vectors.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            var jwk = group.TryGetProperty("public", out var stated) ? stated : group.GetProperty("private");
            var keys = SetOf(jwk);
            var isTaken = TextOf(jwk, "kty") is "RSA" or "EC" && TextOf(jwk, "alg") is "RS256" or "ES256";
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                var read = IsTaken(TextOf(test, "jws"), keys);
                var expected = isTaken && TextOf(test, "result") == "valid" && NamesItsKey(TextOf(test, "jws"));
                Assert.True(read == expected, Named(group, test));
                _ = read ? taken++ : refused++;
            }
        }

        Assert.Equal(vectors.RootElement.GetProperty("numberOfTests").GetInt32(), taken + refused);
        Assert.True(taken >= 9, $"only {taken} were taken");
    }

    [Fact]
    public void of_Wycheproof_for_key_sets_are_refused_where_they_are_weak_ambiguous_or_of_another_kind()
    {
        using var vectors = Read("wycheproof", "json_web_key_test.json");
        var judged = 0;
        foreach (var group in vectors.RootElement.GetProperty("testGroups").EnumerateArray())
        {
            var set = group.TryGetProperty("public", out var stated) ? stated : group.GetProperty("private");

            // Those that the vectors give in private form stand for sets that an issuer would publish without it.
            var keys = JsonWebKeySet.Read(Encoding.UTF8.GetBytes(WithoutPrivateHalves(set)));
            Assert.NotNull(keys);
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                var isSymmetric = set.GetProperty("keys").EnumerateArray().Any(key => TextOf(key, "kty") == "oct");
                Assert.True(
                    (TextOf(test, "result") == "valid" && !isSymmetric) == IsTaken(TextOf(test, "jws"), keys), Named(group, test));
                judged++;
            }
        }

        Assert.Equal(vectors.RootElement.GetProperty("numberOfTests").GetInt32(), judged);
    }

    [Fact]
    public void of_the_JOSE_cookbook_sign_its_RS256_example()
    {
        using var example = Read("jose-cookbook", "jws", "4_1.rsa_v15_signature.json");
        var keys = SetOf(example.RootElement.GetProperty("input").GetProperty("key"));
        var compact = TextOf(example.RootElement.GetProperty("output"), "compact");
        Assert.False(keys.Count == 0 && compact.Length == 0);
        Assert.Empty(keys); // the example prints the key with its private half: nobody should trust such a set
        Assert.True(IsTaken(compact, SetOf(example.RootElement.GetProperty("input").GetProperty("key"), withoutPrivateHalf: true)));
        Assert.False(IsTaken(compact[..^4] + "AAAA", SetOf(example.RootElement.GetProperty("input").GetProperty("key"), withoutPrivateHalf: true)));
    }

    [Theory]
    [InlineData(1024)]
    [InlineData(2047)]
    public void that_are_too_short_are_none(int bits)
    {
        var modulus = RandomNumberGenerator.GetBytes((bits + 7) / 8);
        modulus[0] = (byte)((modulus[0] & ((1 << (((bits - 1) % 8) + 1)) - 1)) | (1 << ((bits - 1) % 8)));
        modulus[^1] |= 1;
        Assert.Null(RsaKey.Of(modulus, [1, 0, 1]));
    }

    [Fact]
    public void whose_exponent_or_length_is_a_trap_are_none()
    {
        using var rsa = RSA.Create(2048);
        var n = rsa.ExportParameters(includePrivateParameters: false).Modulus ?? [];
        Assert.NotNull(RsaKey.Of(n, [1, 0, 1]));
        Assert.Null(RsaKey.Of(n, [1]));
        Assert.Null(RsaKey.Of(n, [3]));
        Assert.Null(RsaKey.Of(n, [1, 0, 0]));
        Assert.Null(RsaKey.Of(n, [1, 0, 0, 0, 1]));
        Assert.Null(RsaKey.Of([], [1, 0, 1]));
        Assert.Null(RsaKey.Of([.. n.AsSpan(0, 255), 2], [1, 0, 1]));
        Assert.Null(RsaKey.Of([1, .. new byte[2048]], [1, 0, 1]));
    }

    [Theory]
    [InlineData("""{}""")]
    [InlineData("""[]""")]
    [InlineData("""{"keys":{}}""")]
    [InlineData("""{"keys":[],"keys":[]}""")]
    [InlineData("""{"keys":[}""")]
    [InlineData("""<html>sign in</html>""")]
    public void are_not_found_in_what_is_no_key_set(string text) => Assert.Null(JsonWebKeySet.Read(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("""{"keys":[null,1,"x",[],{}]}""")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"AA","y":"AA"}]}""")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","kid":1,"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}""")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}""")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","kid":"a","use":["sig"],"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}""")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","kid":"a","key_ops":"verify","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}""")]
    [InlineData("""{"keys":[{"kty":"EC","crv":"P-256","kid":"a","alg":"RS256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}""")]
    public void that_cannot_be_used_are_left_out(string text) => Assert.Empty(JsonWebKeySet.Read(Encoding.UTF8.GetBytes(text)) ?? throw new InvalidOperationException());

    private static bool IsTaken(string token, IReadOnlyDictionary<string, VerifyingKey> keys) =>
        CompactJws.Parse(token) is { } jws && keys.TryGetValue(jws.Kid, out var key) && jws.IsSignedBy(key);

    // A few valid vectors name no key, and so none that we would look for.
    private static bool NamesItsKey(string token) => CompactJws.Parse(token) is not null;

    private static IReadOnlyDictionary<string, VerifyingKey> SetOf(JsonElement jwk, bool withoutPrivateHalf = false)
    {
        var set = $$"""{"keys":[{{jwk.GetRawText()}}]}""";
        if (withoutPrivateHalf)
        {
            using var parsed = JsonDocument.Parse(set);
            set = WithoutPrivateHalves(parsed.RootElement);
        }

        return JsonWebKeySet.Read(Encoding.UTF8.GetBytes(set)) ?? throw new InvalidOperationException("It is no key set.");
    }

    private static string WithoutPrivateHalves(JsonElement set)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("keys");
            foreach (var key in set.GetProperty("keys").EnumerateArray())
            {
                json.WriteStartObject();
                foreach (var member in key.EnumerateObject().Where(member => member.Name is not ("d" or "p" or "q" or "dp" or "dq" or "qi")))
                {
                    member.WriteTo(json);
                }

                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static JsonDocument Read(params string[] path) => JsonDocument.Parse(File.ReadAllText(SharedData.Path(path)));

    private static string Named(JsonElement group, JsonElement test) =>
        $"{TextOf(group, "comment")} {test.GetProperty("tcId").GetInt32()} {TextOf(test, "comment")}";

    private static string TextOf(JsonElement of, string name) =>
        of.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() ?? "" : "";
}

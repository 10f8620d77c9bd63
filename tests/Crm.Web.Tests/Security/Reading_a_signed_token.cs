using System.Security.Cryptography;
using System.Text;
using Crm.Web.Security;

namespace Crm.Web.Tests.Security;

public sealed class Reading_a_signed_token : IDisposable
{
    private readonly SigningKey key = SigningKey.Create();

    [Fact]
    public void gives_back_what_was_signed()
    {
        Assert.True(CompactJws.TryRead(CompactJws.Write("""{"a":1}"""u8, key), Ours, out var payload));
        Assert.Equal("""{"a":1}""", Encoding.UTF8.GetString(payload));
    }

    [Fact]
    public void refuses_the_signature_of_another_key_under_our_key_id()
    {
        using var other = SigningKey.Create();
        Assert.False(CompactJws.TryRead(CompactJws.Write("{}"u8, other), _ => key, out _));
    }

    [Fact]
    public void refuses_a_key_id_that_is_not_ours()
    {
        using var other = SigningKey.Create();
        Assert.False(CompactJws.TryRead(CompactJws.Write("{}"u8, other), Ours, out _));
    }

    [Theory]
    [InlineData("""{"alg":"ES256"}""")]
    [InlineData("""{"kid":"KID"}""")]
    [InlineData("""{"alg":"none","kid":"KID"}""")]
    [InlineData("""{"alg":"es256","kid":"KID"}""")]
    [InlineData("""{"alg":"ES384","kid":"KID"}""")]
    [InlineData("""{"alg":"HS256","kid":"KID"}""")]
    [InlineData("""{"alg":["ES256"],"kid":"KID"}""")]
    [InlineData("""{"alg":"ES256","alg":"ES256","kid":"KID"}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","kid":"KID"}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","crit":["exp"],"exp":1}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","crit":["b64"],"b64":false}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","b64":true}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","jku":"https://example.com/keys"}""")]
    [InlineData("""{"alg":"ES256","kid":"KID","typ":"JWE"}""")]
    [InlineData("""{"alg":"ES256","kid":"KID",}""")]
    [InlineData("""{"alg":"ES256","kid":"KID"} {}""")]
    [InlineData("""{"alg":"ES256","kid":"\ud800"}""")]
    [InlineData("""["ES256"]""")]
    [InlineData("null")]
    public void refuses_a_header_that_the_writer_would_not_write(string header) =>
        Assert.False(CompactJws.TryRead(Signed(header, "{}"), Ours, out _));

    [Fact]
    public void takes_a_header_without_a_type() =>
        Assert.True(CompactJws.TryRead(Signed("""{"kid":"KID","alg":"ES256"}""", "{}"), Ours, out _));

    [Fact]
    public void refuses_every_change_of_a_single_character()
    {
        var token = CompactJws.Write("""{"sub":"somebody"}"""u8, key);
        for (var at = 0; at < token.Length; at++)
        {
            var changed = token.ToCharArray();
            changed[at] = changed[at] == 'A' ? 'B' : 'A';
            Assert.False(CompactJws.TryRead(new string(changed), Ours, out _), $"changed at {at}");
        }
    }

    [Theory]
    [InlineData("{0}=")]
    [InlineData("{0}==")]
    [InlineData("{0} ")]
    [InlineData(" {0}")]
    [InlineData("{0}\n")]
    [InlineData("{0}.")]
    [InlineData(".{0}")]
    [InlineData("{0}.e30")]
    [InlineData("{0}A")]
    [InlineData("{0}AA")]
    public void refuses_anything_beside_the_three_parts(string form) =>
        Assert.False(CompactJws.TryRead(string.Format(null, form, CompactJws.Write("{}"u8, key)), Ours, out _));

    [Fact]
    public void refuses_stray_bits_behind_the_signature()
    {
        // 64 bytes leave four unused bits in the last character: AQgw write them as zero, and other letters do not.
        var token = CompactJws.Write("{}"u8, key);
        const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        var last = Letters.IndexOf(token[^1], StringComparison.Ordinal);
        for (var stray = 1; stray < 16; stray++)
        {
            Assert.False(CompactJws.TryRead(token[..^1] + Letters[last + stray], Ours, out _));
        }
    }

    [Fact]
    public void refuses_a_signature_in_der_form()
    {
        using var signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var its = SigningKey.FromSpki(signer.ExportSubjectPublicKeyInfo());
        var data = "data"u8.ToArray();
        Assert.False(its.Verify(data, signer.SignData(data, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)));
    }

    [Fact]
    public void refuses_what_is_too_long_to_be_ours() =>
        Assert.False(CompactJws.TryRead(CompactJws.Write(new byte[CompactJws.MaxLength], key), Ours, out _));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("...")]
    [InlineData("a.b.c")]
    [InlineData("é.é.é")]
    public void refuses_what_is_no_token(string text) => Assert.False(CompactJws.TryRead(text, Ours, out _));

    [Fact]
    public void takes_only_keys_on_the_curve_P256()
    {
        using var larger = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.Throws<CryptographicException>(() => SigningKey.FromSpki(larger.ExportSubjectPublicKeyInfo()));
    }

    public void Dispose() => key.Dispose();

    private SigningKey? Ours(string kid) => string.Equals(kid, key.Kid, StringComparison.Ordinal) ? key : null;

    private string Signed(string header, string payload)
    {
        var signed = StrictBase64Url.Encode(Encoding.UTF8.GetBytes(header.Replace("KID", key.Kid, StringComparison.Ordinal)))
            + "." + StrictBase64Url.Encode(Encoding.UTF8.GetBytes(payload));
        return $"{signed}.{StrictBase64Url.Encode(key.Sign(Encoding.ASCII.GetBytes(signed)))}";
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Crm.Web.Security;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Crm.Web.Tests.Security.Tokens;

/// <summary>An issuer of OpenID Connect on loopback, with keys of its own, that can be asked, counted, misconfigured and taken away.</summary>
public sealed class LocalIssuer : IAsyncDisposable
{
    public const string Audience = "the crm";

    private readonly WebApplication app;
    private readonly RSA rsa = RSA.Create(2048);
    private readonly RSA weak = RSA.Create(1024);
    private readonly ECDsa ec = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private int keysAsked;

    private LocalIssuer(WebApplication app) => this.app = app;

    public string Address { get; private set; } = "";

    /// <summary>How often its keys were fetched.</summary>
    public int KeysAsked => keysAsked;

    /// <summary>Instead of what it would publish: for the path, an answer of its own.</summary>
    public ConcurrentDictionary<string, Func<HttpContext, Task>> Instead { get; } = new(StringComparer.Ordinal);

    public static async Task<LocalIssuer> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var issuer = new LocalIssuer(builder.Build());
        issuer.app.Run(issuer.Answer);
        await issuer.app.StartAsync();
        issuer.Address = issuer.app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses.First()
            ?? throw new InvalidOperationException("The issuer has no address.");
        return issuer;
    }

    /// <summary>The settings of a host that takes its tokens.</summary>
    public (string Name, string Value)[] Settings() =>
    [
        ("Crm:Security:Issuers:0:Issuer", Address),
        ("Crm:Security:Issuers:0:Audience", Audience),
        ("Crm:Security:Issuers:0:AllowPrivateNetwork", "true"),
        ("Crm:Security:Issuers:0:Roles:crm-agents", "agent"),
        ("Crm:Security:Issuers:0:Roles:crm-managers", "manager"),
    ];

    /// <summary>The claims of a good token, changed as a test wants; null takes one away.</summary>
    public Dictionary<string, object?> Claims(DateTimeOffset now, params (string Name, object? Value)[] changed)
    {
        var claims = new Dictionary<string, object?>(StringComparer.Ordinal)
        {
            ["iss"] = Address,
            ["aud"] = Audience,
            ["sub"] = Guid.NewGuid().ToString("N"),
            ["name"] = "Grace Hopper",
            ["roles"] = "crm-agents",
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = now.AddMinutes(30).ToUnixTimeSeconds(),
        };
        foreach (var (name, value) in changed)
        {
            claims[name] = value;
        }

        return claims;
    }

    /// <summary>A token: the header as text with <c>KID</c> for the key's id.</summary>
    public string Token(Dictionary<string, object?> claims, string header = """{"alg":"RS256","kid":"rsa","typ":"JWT"}""", string with = "rsa")
    {
        var payload = JsonSerializer.SerializeToUtf8Bytes(claims.Where(claim => claim.Value is not null).ToDictionary(claim => claim.Key, claim => claim.Value));
        var signed = $"{StrictBase64Url.Encode(Encoding.UTF8.GetBytes(header))}.{StrictBase64Url.Encode(payload)}";
        var data = Encoding.ASCII.GetBytes(signed);
        var signature = with switch
        {
            "rsa" => rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            "weak" => weak.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
            "ec" => ec.SignData(data, HashAlgorithmName.SHA256),
            "pem" => HMACSHA256.HashData(Encoding.ASCII.GetBytes(rsa.ExportSubjectPublicKeyInfoPem()), data),
            "none" => [],
            _ => throw new ArgumentOutOfRangeException(nameof(with), with, "No such key."),
        };
        return $"{signed}.{StrictBase64Url.Encode(signature)}";
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        rsa.Dispose();
        weak.Dispose();
        ec.Dispose();
    }

    private Task Answer(HttpContext http)
    {
        var path = http.Request.Path.Value ?? "";
        if (path == "/keys")
        {
            Interlocked.Increment(ref keysAsked);
        }

        if (Instead.TryGetValue(path, out var answer))
        {
            return answer(http);
        }

        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(path switch
        {
            "/.well-known/openid-configuration" => $$"""{"issuer":"{{Address}}","jwks_uri":"{{Address}}/keys"}""",
            "/keys" => Keys(),
            _ => "{}",
        });
    }

    private string Keys()
    {
        string Rsa(RSA key, string kid)
        {
            var parts = key.ExportParameters(includePrivateParameters: false);
            return $$"""{"kty":"RSA","use":"sig","kid":"{{kid}}","n":"{{StrictBase64Url.Encode(parts.Modulus)}}","e":"{{StrictBase64Url.Encode(parts.Exponent)}}"}""";
        }

        var point = ec.ExportParameters(includePrivateParameters: false).Q;
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"keys":[{{Rsa(rsa, "rsa")}},{{Rsa(weak, "weak")}},{"kty":"EC","crv":"P-256","kid":"ec","x":"{{StrictBase64Url.Encode(point.X)}}","y":"{{StrictBase64Url.Encode(point.Y)}}"}]}""");
    }
}

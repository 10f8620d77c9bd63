using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Crm.Web.Tests.Operations;

/// <summary>Somebody who keeps heads: a server with TLS on loopback, whose certificate comes from an authority of its own.</summary>
internal sealed class HeadReceiver : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly X509Certificate2 authority;
    private readonly X509Certificate2 certificate;

    private HeadReceiver(WebApplication app, X509Certificate2 authority, X509Certificate2 certificate) =>
        (this.app, this.authority, this.certificate) = (app, authority, certificate);

    /// <summary>Where heads are sent.</summary>
    public string Address { get; private set; } = "";

    /// <summary>The authority, as a file of trusted ones holds it.</summary>
    public string AuthorityPem => authority.ExportCertificatePem();

    /// <summary>What it answers: 200 unless told.</summary>
    public HttpStatusCode Answers { get; set; } = HttpStatusCode.OK;

    /// <summary>Every request that came: method, media type, body.</summary>
    public ConcurrentQueue<(string Method, string? Type, string Body)> Came { get; } = [];

    /// <summary>Starts one that says it is <paramref name="name"/>.</summary>
    public static async Task<HeadReceiver> Start(string name = "localhost")
    {
        var (authority, certificate) = Certificates(name);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var receiver = new HeadReceiver(builder.Build(), authority, certificate);
        receiver.app.Run(receiver.Take);
        await receiver.app.StartAsync();
        var address = receiver.app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses.First()
            ?? throw new InvalidOperationException("The receiver has no address.");
        receiver.Address = $"https://localhost:{new Uri(address).Port}/heads";
        return receiver;
    }

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        authority.Dispose();
        certificate.Dispose();
    }

    private async Task Take(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        Came.Enqueue((http.Request.Method, http.Request.ContentType, await reader.ReadToEndAsync()));
        http.Response.StatusCode = (int)Answers;
        http.Response.Headers.Location = "/elsewhere";
    }

    private static (X509Certificate2 Authority, X509Certificate2 Certificate) Certificates(string name)
    {
        var (since, until) = (DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var asAuthority = new CertificateRequest("CN=An authority of a test", authorityKey, HashAlgorithmName.SHA256);
        asAuthority.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        asAuthority.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        var authority = asAuthority.CreateSelfSigned(since, until);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var asServer = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        asServer.CertificateExtensions.Add(names.Build());
        asServer.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, false, 0, critical: true));
        asServer.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        using var bare = asServer.Create(authority, since, until, [1, 2, 3, 4]);
        return (authority, bare.CopyWithPrivateKey(key));
    }
}

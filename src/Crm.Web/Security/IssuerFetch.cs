using System.Net;
using System.Net.Sockets;

namespace Crm.Web.Security;

/// <summary>
/// Fetches what an issuer publishes. Whoever controls a name may point it into this network: so redirects are not followed, no proxy is
/// used, and the address that is really connected to must be public, unless the issuer is one of this network by configuration.
/// </summary>
public sealed class IssuerFetch : IDisposable
{
    private const int MostBytes = 256 * 1024;

    private static readonly IPNetwork[] Reserved =
    [
        IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("100.64.0.0/10"), IPNetwork.Parse("127.0.0.0/8"),
        IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.0.0.0/24"), IPNetwork.Parse("192.0.2.0/24"),
        IPNetwork.Parse("192.88.99.0/24"), IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("198.18.0.0/15"), IPNetwork.Parse("198.51.100.0/24"),
        IPNetwork.Parse("203.0.113.0/24"), IPNetwork.Parse("224.0.0.0/3"),
    ];

    // Only 2000::/3 is given out to the public; of that, what carries or stands for other addresses is left out.
    private static readonly IPNetwork Public6 = IPNetwork.Parse("2000::/3");

    private static readonly IPNetwork[] Reserved6 =
        [IPNetwork.Parse("2001::/23"), IPNetwork.Parse("2001:db8::/32"), IPNetwork.Parse("2002::/16"), IPNetwork.Parse("3fff::/20")];

    private readonly HttpClient publicly = Client(allowPrivate: false);
    private readonly HttpClient anywhere = Client(allowPrivate: true);

    /// <summary>The body of a document.</summary>
    /// <exception cref="HttpRequestException">It cannot be had: no such server, not public, no success, a redirect, or too large.</exception>
    /// <exception cref="TaskCanceledException">It took too long.</exception>
    public Task<byte[]> Get(Uri address, bool allowPrivateNetwork, CancellationToken ct)
    {
        if (address.Scheme != Uri.UriSchemeHttps && !(allowPrivateNetwork && address.Scheme == Uri.UriSchemeHttp))
        {
            throw new HttpRequestException($"{address} is not an https address.");
        }

        return (allowPrivateNetwork ? anywhere : publicly).GetByteArrayAsync(address, ct);
    }

    /// <summary>Whether an address is one of the public network.</summary>
    public static bool IsPublic(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return plain.AddressFamily switch
        {
            AddressFamily.InterNetwork => !Reserved.Any(network => network.Contains(plain)),
            AddressFamily.InterNetworkV6 => Public6.Contains(plain) && !Reserved6.Any(network => network.Contains(plain)),
            _ => false,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        publicly.Dispose();
        anywhere.Dispose();
    }

    private static HttpClient Client(bool allowPrivate)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            MaxResponseHeadersLength = 16,
            ConnectCallback = (context, ct) => Connect(context.DnsEndPoint, allowPrivate, ct),
        };
        return new HttpClient(handler, disposeHandler: true) { Timeout = TimeSpan.FromSeconds(5), MaxResponseContentBufferSize = MostBytes };
    }

    // The name is resolved once, and what was looked at is what is connected to: a second answer of the name server changes nothing.
    private static async ValueTask<Stream> Connect(DnsEndPoint to, bool allowPrivate, CancellationToken ct)
    {
        var addresses = await Dns.GetHostAddressesAsync(to.Host, ct);
        var allowed = addresses.Where(address => allowPrivate || IsPublic(address)).ToArray();
        if (allowed.Length == 0)
        {
            throw new HttpRequestException($"{to.Host} has no public address.");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, to.Port, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

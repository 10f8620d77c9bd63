using System.Net;

namespace Crm.Web.Hosting;

/// <summary>What can be set about the API's edge: section <c>Crm:Edge</c> of the configuration.</summary>
public sealed record EdgeOptions
{
    /// <summary>The section's name.</summary>
    public const string Section = "Crm:Edge";

    /// <summary>How many requests are carried out at once; those that stream events have room of their own.</summary>
    public int RequestsAtOnce { get; init; } = 1000;

    /// <summary>How many more may wait for room.</summary>
    public int RequestsWaiting { get; init; } = 100;

    /// <summary>How long one of them waits before it is told 503.</summary>
    public TimeSpan WaitsAtMost { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How many event streams are open at once.</summary>
    public int StreamsAtOnce { get; init; } = 500;

    /// <summary>How many of them one caller may have.</summary>
    public int StreamsPerCaller { get; init; } = 5;

    /// <summary>How long an event stream lasts; its client resumes where it ended.</summary>
    public TimeSpan StreamLasts { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How long a request may take.</summary>
    public TimeSpan RequestLasts { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an export may take.</summary>
    public TimeSpan ExportLasts { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Requests a second that a signed-in caller may make for as long as it likes.</summary>
    public double CallerPerSecond { get; init; } = 20_000;

    /// <summary>Requests that a signed-in caller may make at once after a rest.</summary>
    public int CallerBurst { get; init; } = 60_000;

    /// <summary>Requests a second from an address that has not signed in.</summary>
    public double AddressPerSecond { get; init; } = 100;

    /// <summary>Requests that such an address may make at once after a rest.</summary>
    public int AddressBurst { get; init; } = 1_000;

    /// <summary>Sign-ins, renewals and resets a minute from one address, all accounts together.</summary>
    public int SignInsPerMinute { get; init; } = 60;

    /// <summary>The proxies whose <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c> are believed: addresses or networks; none unless told.</summary>
    public string[] KnownProxies { get; init; } = [];

    /// <summary>How many proxies stand before the host, one behind the other.</summary>
    public int ForwardLimit { get; init; } = 1;

    /// <summary>The known proxies as networks.</summary>
    /// <exception cref="FormatException">One of them is neither an address nor a network.</exception>
    public IReadOnlyList<IPNetwork> ProxyNetworks() => [.. KnownProxies.Select(Network)];

    /// <summary>What is wrong with the settings; empty when nothing is.</summary>
    public IEnumerable<string> Faults()
    {
        if (RequestsAtOnce < 1 || RequestsWaiting < 0 || StreamsAtOnce < 0 || StreamsPerCaller < 1)
        {
            yield return "the numbers of requests at once are out of range";
        }

        if (WaitsAtMost < TimeSpan.Zero || RequestLasts <= TimeSpan.Zero || ExportLasts <= TimeSpan.Zero || StreamLasts <= TimeSpan.Zero)
        {
            yield return "a time is out of range";
        }

        if (CallerPerSecond <= 0 || CallerBurst < 1 || AddressPerSecond <= 0 || AddressBurst < 1 || SignInsPerMinute < 1)
        {
            yield return "a rate is out of range";
        }

        if (ForwardLimit < 1 || KnownProxies.Any(proxy => !IPNetwork.TryParse(proxy, out _) && !IPAddress.TryParse(proxy, out _)))
        {
            yield return "KnownProxies takes addresses and networks such as 10.0.0.0/8, and ForwardLimit at least 1";
        }
    }

    private static IPNetwork Network(string text)
    {
        if (IPNetwork.TryParse(text, out var network))
        {
            return network;
        }

        var address = IPAddress.Parse(text);
        return new IPNetwork(address, address.GetAddressBytes().Length * 8);
    }
}

using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Crm.Web.Hosting;
using Crm.Web.Http;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Crm.Web.Tests.Edge;

/// <summary>What only a real connection shows: the limits of lines, headers and bodies, and what becomes of an answer that is cut off.</summary>
public sealed class Over_a_socket : IAsyncLifetime
{
    private WebApplication? app;
    private Uri address = new("http://127.0.0.1");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = HostSettings.Builder(["--urls=http://127.0.0.1:0", "--Crm:Edge:RequestLasts=00:00:01"]);
        builder.AddCrmEdge();
        app = builder.Build();
        app.UseProblems();
        app.UseRouting();
        app.UseRequestTimeouts();
        app.MapGet("/", () => "there");
        app.MapPost("/", static (Posted<NoBody> posted) => posted.Body.ToString());
        app.MapGet("/endless", async (HttpContext http) =>
        {
            while (true)
            {
                await http.Response.WriteAsync(new string('x', 1000), http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
                await Task.Delay(20, http.RequestAborted);
            }
        });
        await app.StartAsync(Ct);
        address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses.Single() ?? "");
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null)
        {
            await app.DisposeAsync();
        }
    }

    [Fact]
    public async Task lines_headers_and_bodies_have_bounds()
    {
        Assert.Equal(200, await Status("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        Assert.Equal(414, await Status($"GET /?{new string('x', 17_000)} HTTP/1.1\r\nHost: a\r\n\r\n"));
        Assert.Equal(431, await Status($"GET / HTTP/1.1\r\nHost: a\r\nX: {new string('x', 33_000)}\r\n\r\n"));
        Assert.Equal(431, await Status($"GET / HTTP/1.1\r\nHost: a\r\n{string.Concat(Enumerable.Range(0, 65).Select(each => $"X{each}: 1\r\n"))}\r\n"));
        Assert.Equal(413, await Status($"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {RequestHeaders.MaxBody + 1}\r\n\r\n"));
        var chunk = "4000\r\n" + new string('x', 0x4000) + "\r\n";
        Assert.Equal(413, await Status("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + string.Concat(Enumerable.Repeat(chunk, 66)) + "0\r\n\r\n"));
    }

    [Fact]
    public async Task what_frames_a_request_in_two_ways_is_refused()
    {
        foreach (var smuggled in new[]
        {
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX y: 1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
            "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\u00ff HTTP/1.1\r\nHost: a\r\n\r\n",
        })
        {
            var status = await Status(smuggled);
            Assert.True(status is >= 400 and < 500, $"{status} to {smuggled}");
        }
    }

    [Fact]
    public async Task two_thousand_broken_requests_leave_the_host_alive()
    {
        var random = new Random(20261121);
        var whole = Encoding.Latin1.GetBytes($"POST /?a=b HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n{{}}");
        for (var request = 0; request < 2_000; request++)
        {
            var broken = (byte[])whole.Clone();
            for (var change = random.Next(1, 6); change > 0; change--)
            {
                broken[random.Next(broken.Length)] = (byte)random.Next(256);
            }

            using var client = new TcpClient();
            await client.ConnectAsync(address.Host, address.Port, Ct);
            var stream = client.GetStream();
            var buffer = new byte[4096];
            var length = 0;
            try
            {
                await stream.WriteAsync(broken, Ct);
                client.Client.Shutdown(SocketShutdown.Send);
                length = await stream.ReadAtLeastAsync(buffer, 12, throwOnEndOfStream: false, Ct);
            }
            catch (Exception closed) when (closed is IOException or SocketException)
            {
                // The server had seen enough.
            }

            var answer = Encoding.Latin1.GetString(buffer, 0, length);

            // 505 is said of a version of HTTP that there is not.
            Assert.True(length == 0 || !answer.StartsWith("HTTP/1.1 50", StringComparison.Ordinal) || answer.StartsWith("HTTP/1.1 505", StringComparison.Ordinal), answer);
            Assert.DoesNotContain("Server:", answer, StringComparison.OrdinalIgnoreCase);
        }

        Assert.Equal(200, await Status("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    }

    [Fact]
    public async Task an_answer_that_is_cut_off_by_the_time_limit_does_not_look_whole()
    {
        using var client = new HttpClient();
        using var answer = await client.GetAsync(new Uri(address, "/endless"), HttpCompletionOption.ResponseHeadersRead, Ct);
        Assert.Equal(200, (int)answer.StatusCode);
        await Assert.ThrowsAnyAsync<Exception>(() => answer.Content.ReadAsByteArrayAsync(Ct));
    }

    private async Task<int> Status(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(address.Host, address.Port, Ct);
        var stream = client.GetStream();
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(request), Ct);
        }
        catch (IOException)
        {
            // The server has answered and closed before it had read everything.
        }

        var buffer = new byte[4096];
        var length = await stream.ReadAtLeastAsync(buffer, 12, throwOnEndOfStream: false, Ct);
        var answer = Encoding.Latin1.GetString(buffer, 0, length);
        Assert.StartsWith("HTTP/1.1 ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Server:", answer, StringComparison.OrdinalIgnoreCase);
        return int.Parse(answer.AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture);
    }
}

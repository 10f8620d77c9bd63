using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Crm.Benchmarks;

/// <summary>The API in a process of its own, with somebody signed in.</summary>
public sealed partial class RunningHost : IAsyncDisposable
{
    private const string Email = "bench@crm.example";
    private const string Password = "benchmarks only, on loopback";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private readonly Process process;
    private readonly Output printed;

    private RunningHost(Process process, Output printed, Uri address)
    {
        this.process = process;
        this.printed = printed;
        Address = address;
        Http = new HttpClient(new SocketsHttpHandler { UseCookies = false, AllowAutoRedirect = false })
        {
            BaseAddress = address,
            Timeout = TimeSpan.FromMinutes(10),
        };
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>A client with the token of the signed-in admin.</summary>
    public HttpClient Http { get; }

    /// <summary>How many requests the server says it has finished; for that, <see cref="TellsTimes"/> must be among its settings.</summary>
    public int Finished => printed.Times.Count;

    /// <summary>Has the server print how long it took over each request.</summary>
    public static KeyValuePair<string, string> TellsTimes { get; } =
        new("Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics", "Information");

    /// <summary>The token.</summary>
    public string Token { get; private set; } = "";

    /// <summary>The most memory it has had resident, in MB.</summary>
    public double PeakMb => Tool.PeakMb(process.Id);

    /// <summary>Starts it and signs in.</summary>
    public static async Task<RunningHost> Start(
        string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> settings, CancellationToken ct)
    {
        var address = new Uri($"http://127.0.0.1:{FreePort()}");
        var all = new Dictionary<string, string>(settings, StringComparer.Ordinal)
        {
            ["ASPNETCORE_URLS"] = address.ToString(),
            ["CRM_ADMIN_EMAIL"] = Email,
            ["CRM_ADMIN_PASSWORD"] = Password,
        };
        var process = Tool.Start(program, arguments, all);
        var printed = new Output();
        process.OutputDataReceived += (_, told) => printed.Take(told.Data);
        process.ErrorDataReceived += (_, told) => printed.Take(told.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var host = new RunningHost(process, printed, address);
        try
        {
            await host.WaitUntilReady(ct);
            await host.SignIn(ct);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Signs in anew; tokens are short-lived.</summary>
    public async Task SignIn(CancellationToken ct)
    {
        using var body = JsonContent.Create(new Credentials(Email, Password), HostJson.Default.Credentials);
        using var answer = await Http.PostAsync(new Uri("/api/v1/auth/login", UriKind.Relative), body, ct);
        var text = await answer.Content.ReadAsStringAsync(ct);
        if (!answer.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"Signing in was answered {(int)answer.StatusCode}: {text}");
        }

        using var json = JsonDocument.Parse(text);
        Token = json.RootElement.GetProperty("accessToken").GetString()
            ?? throw new InvalidOperationException("The answer holds no token.");
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
    }

    /// <summary>The server's own times of the requests that it finished after the first so many.</summary>
    public async Task<Latencies> TimesAfter(int finished, int count, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        while (printed.Times.Count < finished + count && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(5))
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), ct);
        }

        var latencies = new Latencies();
        foreach (var milliseconds in printed.Times.Skip(finished).Take(count))
        {
            latencies.Add(milliseconds);
        }

        return latencies;
    }

    /// <summary>Stops it as Ctrl-C does; kills it when it does not stop in time.</summary>
    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!process.HasExited)
        {
            using var interrupt = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
            }
        }

        process.Dispose();
    }

    private async Task WaitUntilReady(CancellationToken ct)
    {
        // A database that is new to the host is migrated, and every read model is built, before it is ready.
        var began = Stopwatch.GetTimestamp();
        var last = "no answer";
        while (true)
        {
            if (Stopwatch.GetElapsedTime(began) > Patience)
            {
                throw new InvalidOperationException($"The host was not ready after {Patience}; last: {last}. It printed: {printed}");
            }

            if (process.HasExited)
            {
                throw new InvalidOperationException($"The host ended with {process.ExitCode}: {printed}");
            }

            try
            {
                using var answer = await Http.GetAsync(new Uri("/health/ready", UriKind.Relative), ct);
                last = $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(ct)}";
                if (answer.StatusCode == HttpStatusCode.OK)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), ct);
        }
    }

    // What a server prints in half an hour of requests is not kept: the times, and the last lines for a failure's message.
    private sealed class Output
    {
        private readonly Queue<string> lines = new();
        private readonly List<double> times = [];

        public IReadOnlyList<double> Times
        {
            get
            {
                lock (lines)
                {
                    return [.. times];
                }
            }
        }

        public void Take(string? line)
        {
            if (line is null)
            {
                return;
            }

            lock (lines)
            {
                if (FinishedIn().Match(line) is { Success: true } finished)
                {
                    times.Add(double.Parse(finished.Groups["ms"].Value, CultureInfo.InvariantCulture));
                    return;
                }

                lines.Enqueue(line);
                if (lines.Count > 200)
                {
                    lines.Dequeue();
                }
            }
        }

        public override string ToString()
        {
            lock (lines)
            {
                return string.Join('\n', lines);
            }
        }
    }

    [GeneratedRegex(@"Request finished .* (?<ms>[0-9.]+)ms\s*$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex FinishedIn();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

/// <summary>What signing in asks for.</summary>
internal sealed record Credentials(string Email, string Password);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Credentials))]
internal sealed partial class HostJson : JsonSerializerContext;

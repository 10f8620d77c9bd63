using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Crm.EventStore.LocalPostgres;
using Crm.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Crm.Web.Tests.Faults;

/// <summary>
/// The product as a process of its own, as <c>ops/run</c> starts it, with a PostgreSQL of its own; it can be killed and started again.
/// </summary>
public sealed class HostProcess : IAsyncDisposable
{
    private const string AdminEmail = "admin@example.com";
    private const string AdminPassword = "correct horse battery staple";

    private readonly string folder;
    private readonly StringBuilder output = new();
    private Process? process;
    private string? token;

    private HostProcess(string folder) => this.folder = folder;

    /// <summary>Where the API is; the same port after each start.</summary>
    public Uri Address { get; } = new($"http://127.0.0.1:{FreePort()}");

    /// <summary>A client of the API, signed in as the admin.</summary>
    public HttpClient Client { get; private set; } = new();

    /// <summary>Makes a host on a new data folder and starts it.</summary>
    public static async Task<HostProcess> Start(CancellationToken ct)
    {
        var host = new HostProcess(TestCluster.NewDataFolder());
        await host.StartAgain(ct);
        return host;
    }

    /// <summary>Starts the host on the data that is there, and waits until it is ready.</summary>
    public async Task StartAgain(CancellationToken ct)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "crm.dll"), "serve" },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                ["ASPNETCORE_URLS"] = Address.ToString(),
                ["ASPNETCORE_ENVIRONMENT"] = "Development",
                ["CRM_DATA_DIR"] = folder,
                ["CRM_ADMIN_EMAIL"] = AdminEmail,
                ["CRM_ADMIN_PASSWORD"] = AdminPassword,
            },
        };
        start.Environment.Remove("ConnectionStrings__Crm");
        process = Process.Start(start) ?? throw new InvalidOperationException("The host did not start.");
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        using var plain = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(5) };
        await Eventually.IsTrue(() => Ready(plain, ct), ct, TimeSpan.FromSeconds(60), $"the host is ready; it said: {Said()}");
        token ??= await SignIn(plain, ct);
        Client.Dispose();
        Client = new HttpClient { BaseAddress = new Uri(Address, "/api/v1/"), Timeout = TimeSpan.FromSeconds(20) };
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Kills the host as <c>kill -9</c> does: it can do nothing about it. Its PostgreSQL is left behind.</summary>
    public async Task Kill(CancellationToken ct)
    {
        var killed = process ?? throw new InvalidOperationException("The host does not run.");
        killed.Kill(); // SIGKILL
        await killed.WaitForExitAsync(ct);
        process = null;
    }

    /// <summary>The superuser's connection string for the host's own database; asked for while the host runs.</summary>
    public async Task<string> Superuser(CancellationToken ct)
    {
        // Attached for a moment only: a host that is started again must find the cluster as the killed one left it.
        await using var cluster = await LocalCluster.Start(folder, new LocalClusterOptions(), NullLogger.Instance, ct);
        return cluster.Superuser();
    }

    /// <summary>Stops the host as Ctrl-C does, its PostgreSQL with it.</summary>
    public async Task<int> Stop(CancellationToken ct)
    {
        var stopped = process ?? throw new InvalidOperationException("The host does not run.");
        using (var terminate = Process.Start("kill", ["-TERM", stopped.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await terminate.WaitForExitAsync(ct);
        }

        await stopped.WaitForExitAsync(ct);
        process = null;
        return stopped.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        if (process is null)
        {
            // What a kill left behind is taken over once more, to be stopped in order.
            await StartAgain(patience.Token);
            Client.Dispose();
        }

        await Stop(patience.Token);
        Directory.Delete(folder, recursive: true);
    }

    private static async Task<bool> Ready(HttpClient plain, CancellationToken ct)
    {
        try
        {
            using var answer = await plain.GetAsync("/health/ready", ct);
            return answer.StatusCode == HttpStatusCode.OK;
        }
        catch (Exception early) when (early is HttpRequestException || (early is TaskCanceledException && !ct.IsCancellationRequested))
        {
            return false;
        }
    }

    private async Task<string> SignIn(HttpClient plain, CancellationToken ct)
    {
        using var answer = await plain.PostAsJsonAsync("/api/v1/auth/login", new { email = AdminEmail, password = AdminPassword }, ct);
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(ct)).GetProperty("accessToken").GetString()
            ?? throw new InvalidOperationException("The login gave no token.");
    }

    private string Said()
    {
        lock (output)
        {
            return output.ToString();
        }
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (output)
        {
            output.AppendLine(line.Data);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

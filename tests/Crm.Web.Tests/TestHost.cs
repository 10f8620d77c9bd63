using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text.Json;
using Crm.Testing;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;

namespace Crm.Web.Tests;

/// <summary>The very host that is served, in this process, on a database of its own.</summary>
public sealed class TestHost : WebApplicationFactory<Program>, IAsyncLifetime
{
    public const string AdminEmail = "root@example.com";
    public const string AdminPassword = "the first admin's password";
    public const string MasterKey = TestKeys.Text;
    public const string UserPassword = "seven owls on one ladder";

    private readonly ConcurrentDictionary<string, Lazy<Task<SignedInUser>>> users = new(StringComparer.Ordinal);
    private (string Name, string Value)[] settings = [];
    private TestDatabase? shared;
    private TestDatabase? own;

    /// <summary>A second host on a database that is there already.</summary>
    public static TestHost Beside(TestDatabase database, params (string Name, string Value)[] settings) =>
        new() { shared = database, settings = settings };

    /// <summary>Few, so that tests do not spend their time on it.</summary>
    public const int PasswordRounds = 10_000;

    public MovableClock Clock { get; } = new();

    public RememberedLog Log { get; } = new();

    public TestDatabase Database => shared ?? own ?? throw new InvalidOperationException("The database is not made yet.");

    public async ValueTask InitializeAsync()
    {
        if (shared is null)
        {
            own = await TestDatabase.Create();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (own is not null)
        {
            await own.DisposeAsync();
        }
    }

    /// <summary>A client that is signed in as the first admin.</summary>
    public Task<SignedInUser> Admin() => users.GetOrAdd(
        AdminEmail, email => new Lazy<Task<SignedInUser>>(() => SignIn(email, AdminPassword))).Value;

    /// <summary>A client that is signed in as a user with this role, registered when first asked for.</summary>
    public Task<SignedInUser> As(string role) => users.GetOrAdd(
        role, _ => new Lazy<Task<SignedInUser>>(() => Register(role))).Value;

    /// <summary>Registers a new user with this role and signs in.</summary>
    public async Task<SignedInUser> Register(string role)
    {
        var admin = await Admin();
        var email = $"{role}-{Guid.NewGuid():N}@example.com";
        using var answer = await admin.Client.PostAsJsonAsync(
            "/api/v1/users", new { name = $"A {role}", email, password = UserPassword, role }, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
        return await SignIn(email, UserPassword);
    }

    /// <summary>Signs in; fails the test when that is refused.</summary>
    public async Task<SignedInUser> SignIn(string email, string password)
    {
        var ct = TestContext.Current.CancellationToken;
        var client = CreateClient();
        using var answer = await client.PostAsJsonAsync("/api/v1/auth/login", new { email, password }, ct);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(ct));
        var tokens = await answer.Content.ReadFromJsonAsync<JsonElement>(ct);
        var access = tokens.GetProperty("accessToken").GetString() ?? "";
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", access);
        var me = await client.GetFromJsonAsync<JsonElement>("/api/v1/me", ct);
        var refresh = tokens.GetProperty("refreshToken").GetString() ?? "";
        return new SignedInUser(client, me.GetProperty("id").GetGuid(), email, access, refresh);
    }

    protected override void ConfigureWebHost(IWebHostBuilder builder)
    {
        builder.UseSetting("ConnectionStrings:Crm", Database.AppConnectionString);
        builder.UseSetting("ConnectionStrings:CrmOwner", Database.OwnerConnectionString);
        builder.UseSetting("Crm:Database:MinConnections", "0");
        builder.UseSetting("Crm:Database:MaxConnections", "40");
        builder.UseSetting("CRM_ADMIN_EMAIL", AdminEmail);
        builder.UseSetting("CRM_MASTER_KEY", MasterKey);
        builder.UseSetting("CRM_ADMIN_PASSWORD", AdminPassword);

        builder.UseSetting("Crm:Security:PasswordRounds", PasswordRounds.ToString(System.Globalization.CultureInfo.InvariantCulture));

        // Tests share one address, which TestServer does not even have.
        builder.UseSetting("Crm:Edge:SignInsPerMinute", "100000");
        builder.UseSetting("Crm:Edge:AddressPerSecond", "100000");
        builder.UseSetting("Crm:Edge:AddressBurst", "100000");
        foreach (var (name, value) in settings)
        {
            builder.UseSetting(name, value);
        }

        builder.ConfigureLogging(logging => logging.ClearProviders().AddProvider(Log));
        builder.ConfigureTestServices(services => services.AddSingleton<TimeProvider>(Clock));
    }
}

/// <summary>A client that is signed in.</summary>
public sealed record SignedInUser(HttpClient Client, Guid Id, string Email, string AccessToken, string RefreshToken);

/// <summary>The real clock, set forward or back by a test, or stopped.</summary>
public sealed class MovableClock : TimeProvider
{
    private long offsetTicks;
    private long stoppedTicks;

    public override DateTimeOffset GetUtcNow()
    {
        var stopped = Interlocked.Read(ref stoppedTicks);
        var now = stopped == 0 ? base.GetUtcNow() : new DateTimeOffset(stopped, TimeSpan.Zero);
        return now.AddTicks(Interlocked.Read(ref offsetTicks));
    }

    public void Move(TimeSpan by) => Interlocked.Add(ref offsetTicks, by.Ticks);

    /// <summary>From now on only <see cref="Move"/> moves it: however slow the machine is, no second passes by itself.</summary>
    public void Stop() => Interlocked.CompareExchange(ref stoppedTicks, base.GetUtcNow().UtcTicks, 0);
}

/// <summary>What the host has logged.</summary>
public sealed class RememberedLog : ILoggerProvider
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => new Remember(Lines);

    public void Dispose()
    {
    }

    private sealed class Remember(ConcurrentQueue<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue($"{formatter(state, exception)} {exception}");
    }
}

using System.Text.Json;
using Crm.Application;
using Crm.Application.Users;
using Crm.EventStore.Log;
using Crm.Testing;
using Crm.Web.Hosting;
using Crm.Web.Security;
using Crm.Web.Users;

namespace Crm.Web.Tests.Security;

public sealed class The_first_admin(TestHost host) : IClassFixture<TestHost>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task needs_a_password_of_the_operators_where_none_may_be_printed()
    {
        await using var fresh = await Fresh.Create();
        var said = await Assert.ThrowsAsync<SettingMissingException>(
            () => fresh.FirstAdmin.Ensure("a@example.com", password: null, mayGenerate: false, Ct));
        Assert.Contains("CRM_ADMIN_PASSWORD", said.Message, StringComparison.Ordinal);
        Assert.NotNull(await fresh.FirstAdmin.Ensure("a@example.com", "the operator's own choice", mayGenerate: false, Ct));
        Assert.Null(await fresh.FirstAdmin.Ensure("a@example.com", password: null, mayGenerate: false, Ct));
    }

    [Fact]
    public async Task is_registered_once_when_two_hosts_start_at_the_same_moment()
    {
        await using var second = TestHost.Beside(host.Database);
        await Task.WhenAll(Task.Run(() => host.CreateClient(), Ct), Task.Run(() => second.CreateClient(), Ct));
        var page = await (await second.Admin()).Client.GetFromJsonAsync<JsonElement>("/api/v1/users", Ct);
        var admin = Assert.Single(page.GetProperty("items").EnumerateArray());
        Assert.Equal(TestHost.AdminEmail, admin.GetProperty("email").GetString());
        Assert.Equal(1, await Count("select count(*) from crm.credentials"));
    }

    [Fact]
    public async Task shares_one_signing_key_with_every_host()
    {
        await using var second = TestHost.Beside(host.Database);
        var keys = await Task.WhenAll(
            new[] { host, second }.Select(async one => await one.Services.GetRequiredService<SigningKeys>().Current(Ct)));
        Assert.Equal(keys[0].Kid, keys[1].Kid);
        Assert.Equal(1, await Count("select count(*) from crm.signing_keys"));
    }

    [Fact]
    public async Task is_not_registered_again() =>
        Assert.Null(await host.Services.GetRequiredService<FirstAdmin>().Ensure("other@example.com", "another password", mayGenerate: true, Ct));

    [Fact]
    public async Task gets_a_generated_password_when_the_operator_names_none()
    {
        await using var fresh = await Fresh.Create();
        var admin = await fresh.FirstAdmin.Ensure(email: null, password: "", mayGenerate: true, Ct);
        Assert.Equal(FirstAdmin.DefaultEmail, admin?.Email);
        Assert.Equal(24, admin?.GeneratedPassword?.Length);
        Assert.NotNull(await fresh.Verify(FirstAdmin.DefaultEmail, admin?.GeneratedPassword ?? ""));
        Assert.Null(await fresh.FirstAdmin.Ensure(email: null, password: "", mayGenerate: true, Ct));
    }

    [Fact]
    public async Task is_one_however_many_hosts_try_at_once()
    {
        await using var fresh = await Fresh.Create();
        var tries = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => fresh.FirstAdmin.Ensure("a@example.com", password: null, mayGenerate: true, Ct)));
        var admin = Assert.Single(tries.OfType<RegisteredAdmin>());
        Assert.NotNull(await fresh.Verify("a@example.com", admin.GeneratedPassword ?? ""));
    }

    [Fact]
    public async Task can_be_registered_after_a_crash_that_left_a_password_without_a_user()
    {
        await using var fresh = await Fresh.Create();
        await fresh.Credentials.Add(Guid.NewGuid(), "the password of the crash", Ct);
        Assert.NotNull(await fresh.FirstAdmin.Ensure("a@example.com", "the password of the repetition", mayGenerate: true, Ct));
        Assert.Null(await fresh.Verify("a@example.com", "the password of the crash"));
        Assert.NotNull(await fresh.Verify("a@example.com", "the password of the repetition"));
    }

    [Fact]
    public async Task needs_an_address_that_is_one()
    {
        await using var fresh = await Fresh.Create();
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(
            () => fresh.FirstAdmin.Ensure("not an address", "a password", mayGenerate: true, Ct));
        Assert.Contains("CRM_ADMIN_EMAIL", refused.Message, StringComparison.Ordinal);
    }

    private async Task<long> Count(string sql)
    {
        await using var count = host.Database.App.CreateCommand(sql);
        return (long)(await count.ExecuteScalarAsync(Ct) ?? 0L);
    }

    /// <summary>The parts on an empty database, without a host.</summary>
    private sealed class Fresh(TestDatabase database) : IAsyncDisposable
    {
        private readonly EventLog log = new(database.App, EventJson.Catalog, TestKeys.Masters, new LogPosition());

        public Credentials Credentials { get; } = new(database.App, new SecurityOptions { PasswordRounds = TestHost.PasswordRounds }, TimeProvider.System);

        public FirstAdmin FirstAdmin => new(
            new UserDirectory(database.App, log), new UserRegistration(new CommandRunner(log), Credentials), TimeProvider.System);

        public static async Task<Fresh> Create() => new(await TestDatabase.Create());

        public async Task<Credential?> Verify(string email, string password) =>
            await Credentials.Verify(await log.FindHolder(UserStream.EmailScope, UserStream.KeyOf(email), Ct), password, Ct);

        public async ValueTask DisposeAsync()
        {
            await log.DisposeAsync();
            await database.DisposeAsync();
        }
    }
}

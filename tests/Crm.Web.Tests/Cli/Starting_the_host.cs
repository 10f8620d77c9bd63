using System.Net;
using System.Net.Sockets;
using Crm.Testing;

namespace Crm.Web.Tests.Cli;

public sealed class Starting_the_host(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task says_in_one_line_that_its_port_is_taken()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        using var host = CrmProcess.Start(
            database,
            [("CRM_MASTER_KEY", TestKeys.Text), ("ASPNETCORE_URLS", $"http://127.0.0.1:{port}"), ("CRM_ADMIN_PASSWORD", "correct horse battery")],
            ["serve"]);
        var (code, output, error) = await host.End(Ct);

        Assert.Equal(1, code);
        Assert.Equal($"The host cannot start: Failed to bind to address http://127.0.0.1:{port}: address already in use.", error.Trim());
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        Assert.DoesNotContain(" fail ", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Crm__Audit__HeadEvery", "audit", "head")]
    [InlineData("Crm__Security__PasswordRounds", "keys", "list")]
    public async Task names_a_setting_that_is_no_number(string setting, params string[] verb)
    {
        (string, string)[] settings = [("CRM_MASTER_KEY", TestKeys.Text), (setting, "many")];
        using var check = CrmProcess.Start(database, settings, verb);
        using var host = CrmProcess.Start(database, settings, ["serve"]);
        foreach (var (code, _, error) in new[] { await check.End(Ct), await host.End(Ct) })
        {
            Assert.Equal(3, code);
            Assert.Contains(setting.Replace("__", ":", StringComparison.Ordinal), error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        }
    }
}

using System.Diagnostics;
using Crm.Testing;

namespace Crm.EventStore.Tests.LocalPostgres;

public class The_scripts_for_people
{
    public static TheoryData<string> Scripts =>
    [
        "ops/run", "ops/crm", "ops/bench", "ops/test", "ops/ci.sh", "ops/backup", "ops/pgbackrest/setup", "ops/pgbackrest/backup",
        "ops/pgbackrest/restore", ".ci/run",
    ];

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task are_executable_stop_at_the_first_error_and_parse(string script)
    {
        var ct = TestContext.Current.CancellationToken;
        var path = Path.Combine(Repository.Root, script);
        Assert.True(File.GetUnixFileMode(path).HasFlag(UnixFileMode.UserExecute));
        Assert.Contains("set -euo pipefail", await File.ReadAllTextAsync(path, ct), StringComparison.Ordinal);
        var parse = new ProcessStartInfo("bash", ["-n", path]) { UseShellExecute = false, RedirectStandardError = true };
        using var check = Process.Start(parse)
            ?? throw new InvalidOperationException("No bash.");
        Assert.Equal("", await check.StandardError.ReadToEndAsync(ct));
        await check.WaitForExitAsync(ct);
        Assert.Equal(0, check.ExitCode);
    }
}

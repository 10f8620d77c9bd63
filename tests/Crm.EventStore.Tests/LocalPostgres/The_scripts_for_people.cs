using System.Diagnostics;
using System.Text.RegularExpressions;
using Crm.Testing;

namespace Crm.EventStore.Tests.LocalPostgres;

public partial class The_scripts_for_people
{
    public static TheoryData<string> Scripts =>
    [
        "ops/run", "ops/crm", "ops/bench", "ops/test", "ops/ci.sh", "ops/backup", "ops/export", "ops/drill",
        "ops/pgbackrest/setup", "ops/pgbackrest/backup", "ops/pgbackrest/restore", ".ci/run",
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

    [Theory]
    [InlineData("ops/backup", "--help")]
    [InlineData("ops/export", "-h")]
    [InlineData("ops/test", "--help")]
    [InlineData("ops/ci.sh", "--help")]
    [InlineData("ops/bench", "--help")]
    public async Task say_what_they_do_when_asked(string script, string asked)
    {
        var ct = TestContext.Current.CancellationToken;
        var path = Path.Combine(Repository.Root, script);
        using var run = Process.Start(new ProcessStartInfo(path, [asked]) { UseShellExecute = false, RedirectStandardOutput = true })
            ?? throw new InvalidOperationException("No bash.");
        var said = await run.StandardOutput.ReadToEndAsync(ct);
        await run.WaitForExitAsync(ct);

        Assert.Equal(0, run.ExitCode);
        var head = (await File.ReadAllLinesAsync(path, ct))[1];
        Assert.StartsWith(head[2..], said, StringComparison.Ordinal);
    }

    public static TheoryData<string> Units =>
    [
        .. new DirectoryInfo(Path.Combine(Repository.Root, "ops", "systemd")).GetFiles().Select(static file => file.Name)
            .Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Units))]
    public async Task are_run_by_units_that_name_what_is_there(string unit)
    {
        var folder = Path.Combine(Repository.Root, "ops", "systemd");
        var lines = await File.ReadAllLinesAsync(Path.Combine(folder, unit), TestContext.Current.CancellationToken);
        Assert.All(lines, static line => Assert.Matches(@"^$|^#|^\[(Unit|Service|Timer|Install)\]$|^[A-Za-z]+=\S.*$", line));
        Assert.Contains(lines, static line => line.StartsWith("Description=", StringComparison.Ordinal));
        if (unit.EndsWith(".timer", StringComparison.Ordinal))
        {
            Assert.EndsWith(" UTC", Value(lines, "OnCalendar="), StringComparison.Ordinal);
            Assert.Contains("Persistent=true", lines);
            Assert.Contains("WantedBy=timers.target", lines);
            var runs = Value(lines, "Unit=") ?? Path.ChangeExtension(unit, ".service");
            Assert.True(File.Exists(Path.Combine(folder, Instance().Replace(runs, "@."))), runs);
            return;
        }

        Assert.EndsWith(".service", unit, StringComparison.Ordinal);
        Assert.Contains("Type=oneshot", lines);
        Assert.Contains("EnvironmentFile=/etc/crm/environment", lines);
        var program = Assert.IsType<string>(Value(lines, "ExecStart=/opt/crm/")).Split(' ')[0];
        Assert.True(File.GetUnixFileMode(Path.Combine(Repository.Root, program)).HasFlag(UnixFileMode.UserExecute), program);
    }

    private static string? Value(string[] lines, string name) =>
        lines.SingleOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?[name.Length..];

    [GeneratedRegex("@[a-z]+\\.", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Instance();
}

using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Crm.EventStore.Tests.LocalPostgres;

public class A_cluster_that_was_there_before
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task has_its_data_and_passwords_after_a_restart()
    {
        await using var folder = new ClusterFolder();
        string login;
        await using (var first = await folder.Start(Ct))
        {
            await ClusterFolder.Ask(first.Owner(), "create table kept as select 42 as id", Ct);
            login = first.Owner();
        }

        await using var second = await folder.Start(Ct);
        Assert.Equal(42, await ClusterFolder.Ask(second.Owner(), "select id from kept", Ct));
        Assert.Equal(new NpgsqlConnectionStringBuilder(login).Password, new NpgsqlConnectionStringBuilder(second.Owner()).Password);
    }

    [Fact]
    public async Task is_gone_when_its_host_has_ended()
    {
        await using var folder = new ClusterFolder();
        int process;
        await using (var cluster = await folder.Start(Ct))
        {
            process = Assert.NotNull(cluster.ProcessId);
        }

        Assert.False(Lives(process));
        Assert.False(File.Exists(Path.Combine(folder.Data, "postgres", "data", "postmaster.pid")));
    }

    [Fact]
    public async Task is_shared_by_a_second_host_that_leaves_it_running()
    {
        await using var folder = new ClusterFolder();
        await using var first = await folder.Start(Ct);
        await using (var second = await folder.Start(Ct))
        {
            Assert.False(second.IsOwner);
            Assert.Equal(first.ProcessId, second.ProcessId);
            Assert.Equal(1, await ClusterFolder.Ask(second.App(), "select 1", Ct));
        }

        Assert.Equal(1, await ClusterFolder.Ask(first.App(), "select 1", Ct));
    }

    [Fact]
    public async Task stays_while_another_process_uses_it_and_ends_with_the_last()
    {
        await using var folder = new ClusterFolder();
        var first = await folder.Start(Ct);
        var process = Assert.NotNull(first.ProcessId);
        using var other = StartHost(folder.Data);
        Assert.Equal(process, await ServerOf(other));

        await first.DisposeAsync();
        Assert.True(Lives(process));
        await using (var third = await folder.Start(Ct))
        {
            Assert.Equal(1, await ClusterFolder.Ask(third.App(), "select 1", Ct));
        }

        Assert.True(Lives(process));
        other.StandardInput.Close();
        await other.WaitForExitAsync(Ct);
        Assert.False(Lives(process));
    }

    [Fact]
    public async Task ends_with_the_last_of_many_that_end_at_the_same_moment()
    {
        await using var folder = new ClusterFolder();
        var first = await folder.Start(Ct);
        var process = Assert.NotNull(first.ProcessId);
        var attached = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => folder.Start(Ct)));

        await Task.WhenAll(attached.Append(first).Select(host => Task.Run(async () => await host.DisposeAsync(), Ct)));

        Assert.False(Lives(process));
    }

    [Fact]
    public async Task is_made_once_by_hosts_that_start_at_the_same_moment()
    {
        await using var folder = new ClusterFolder();
        var hosts = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => folder.Start(Ct), Ct)));
        Assert.Single(hosts, host => host.IsOwner);
        Assert.Single(hosts.Select(host => host.ProcessId).Distinct());
        foreach (var host in hosts)
        {
            await host.DisposeAsync();
        }
    }

    [Fact]
    public async Task is_taken_over_when_its_host_was_killed()
    {
        await using var folder = new ClusterFolder();
        var left = await StartAndKillHost(folder.Data);
        Assert.True(Lives(left), "the server lives on without its host");

        await using (var next = await folder.Start(Ct))
        {
            Assert.True(next.IsOwner);
            Assert.Equal(left, next.ProcessId);
            Assert.Equal(1, await ClusterFolder.Ask(next.App(), "select 1", Ct));
        }

        Assert.False(Lives(left));
    }

    [Fact]
    public async Task recovers_when_the_server_itself_was_killed()
    {
        await using var folder = new ClusterFolder();
        await using (var first = await folder.Start(Ct))
        {
            await ClusterFolder.Ask(first.Owner(), "create table kept as select 42 as id", Ct);
            using var server = Process.GetProcessById(Assert.NotNull(first.ProcessId));
            server.Kill();
            await server.WaitForExitAsync(Ct);
        }

        await using var second = await folder.Start(Ct);
        Assert.Equal(42, await ClusterFolder.Ask(second.Owner(), "select id from kept", Ct));
    }

    [Fact]
    public async Task comes_back_on_the_same_port_after_the_server_was_stopped()
    {
        await using var folder = new ClusterFolder();
        await using var cluster = await folder.Start(Ct);
        var login = ClusterFolder.ByTcp(cluster.App());
        await cluster.StopServer(Ct);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => ClusterFolder.Ask(login, "select 1", Ct));
        await cluster.StartServer(Ct);
        Assert.Equal(1, await ClusterFolder.Ask(login, "select 1", Ct));
    }

    // A dead process stays listed until its parent has collected it.
    private static bool Lives(int process)
    {
        var stat = $"/proc/{process}/stat";
        return File.Exists(stat) && !File.ReadAllText(stat).Contains(") Z ", StringComparison.Ordinal);
    }

    private static Process StartHost(string data)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "Crm.ClusterHolder");
        var how = new ProcessStartInfo(program, [data])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        return Process.Start(how) ?? throw new InvalidOperationException("No process.");
    }

    private static async Task<int> ServerOf(Process host) =>
        int.Parse(await host.StandardOutput.ReadLineAsync(Ct) ?? "", CultureInfo.InvariantCulture);

    private static async Task<int> StartAndKillHost(string data)
    {
        using var host = StartHost(data);
        var server = await ServerOf(host);
        host.Kill();
        await host.WaitForExitAsync(Ct);
        return server;
    }
}

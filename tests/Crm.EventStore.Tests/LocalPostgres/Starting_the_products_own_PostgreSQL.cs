using System.Globalization;
using Crm.EventStore.LocalPostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Crm.EventStore.Tests.LocalPostgres;

public class Starting_the_products_own_PostgreSQL
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task makes_the_database_and_lets_each_role_in_as_itself()
    {
        await using var folder = new ClusterFolder();
        await using var cluster = await folder.Start(Ct);
        Assert.True(cluster.IsOwner);
        Assert.Equal("crm_owner", await ClusterFolder.Ask(cluster.Owner(), "select current_user", Ct));
        Assert.Equal("crm_app", await ClusterFolder.Ask(ClusterFolder.ByTcp(cluster.App()), "select current_user", Ct));
        Assert.Equal("crm_reporting", await ClusterFolder.Ask(cluster.Reporting(), "select current_user", Ct));
        Assert.Equal("on", await ClusterFolder.Ask(cluster.App(), "show data_checksums", Ct));
        Assert.Equal("UTF8", await ClusterFolder.Ask(cluster.App(), "show server_encoding", Ct));
        Assert.Equal(false, await ClusterFolder.Ask(cluster.App(), "select rolsuper from pg_roles where rolname = current_user", Ct));
    }

    [Fact]
    public async Task keeps_the_superuser_to_the_socket_in_a_folder_that_only_its_owner_enters()
    {
        await using var folder = new ClusterFolder();
        await using var cluster = await folder.Start(Ct);
        const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Assert.Equal(ownerOnly, File.GetUnixFileMode(cluster.SocketFolder));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(folder.Data, "roles.json")));
        Assert.Equal(true, await ClusterFolder.Ask(cluster.Superuser(), "select rolsuper from pg_roles where rolname = current_user", Ct));

        var superuser = await Assert.ThrowsAsync<PostgresException>(
            () => ClusterFolder.Ask(ClusterFolder.ByTcp(cluster.Superuser()), "select 1", Ct));
        Assert.Equal(PostgresErrorCodes.InvalidAuthorizationSpecification, superuser.SqlState);
        var wrong = new NpgsqlConnectionStringBuilder(cluster.App()) { Password = "guess" }.ConnectionString;
        var guessed = await Assert.ThrowsAsync<PostgresException>(() => ClusterFolder.Ask(wrong, "select 1", Ct));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, guessed.SqlState);
    }

    [Fact]
    public async Task never_runs_it_as_root_and_keeps_it_out_of_the_terminals_reach()
    {
        await using var folder = new ClusterFolder();
        await using var cluster = await folder.Start(Ct);
        var process = Assert.NotNull(cluster.ProcessId);
        var status = await File.ReadAllLinesAsync($"/proc/{process}/status", Ct);
        var user = status.Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1];
        Assert.NotEqual("0", user);

        // After the name in brackets: state, parent, process group, session. Its own session: Ctrl-C goes to the host alone.
        var fields = (await File.ReadAllTextAsync($"/proc/{process}/stat", Ct)).Split(") ")[^1].Split(' ');
        Assert.Equal(process.ToString(CultureInfo.InvariantCulture), fields[3]);
    }

    [Fact]
    public async Task works_below_folders_with_spaces_and_a_path_too_long_for_a_socket()
    {
        await using var folder = new ClusterFolder("a folder, with 'quotes' and spaces", new string('x', 90));
        await using var cluster = await folder.Start(Ct);
        Assert.Equal(1, await ClusterFolder.Ask(cluster.App(), "select 1", Ct));
        Assert.DoesNotContain(folder.Data, cluster.SocketFolder, StringComparison.Ordinal);
        const UnixFileMode others = UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(cluster.SocketFolder) & others);
        Directory.Delete(cluster.SocketFolder, recursive: true);
    }

    [Fact]
    public async Task works_below_a_folder_that_is_closed_to_everybody_else()
    {
        await using var folder = new ClusterFolder("closed");
        Directory.CreateDirectory(
            Path.Combine(folder.Root, "closed"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await using var cluster = await folder.Start(Ct);
        Assert.Equal(1, await ClusterFolder.Ask(cluster.App(), "select 1", Ct));
    }

    [Fact]
    public async Task works_for_two_clusters_side_by_side()
    {
        await using var here = new ClusterFolder();
        await using var there = new ClusterFolder();
        await using var one = await here.Start(Ct);
        await using var two = await there.Start(Ct);
        Assert.NotEqual(one.Port, two.Port);
        await ClusterFolder.Ask(one.Owner(), "create table public_note (id int)", Ct);
        Assert.Equal(DBNull.Value, await ClusterFolder.Ask(two.Owner(), "select to_regclass('public_note')::text", Ct));
    }

    [Fact]
    public async Task says_what_to_install_where_the_programs_are_missing()
    {
        await using var folder = new ClusterFolder();
        var options = ClusterFolder.Options with { BinFolder = folder.Root };
        var refused = await Assert.ThrowsAsync<LocalPostgresException>(
            () => LocalCluster.Start(folder.Data, options, NullLogger.Instance, Ct));
        Assert.Contains("apt-get install postgresql", refused.Message, StringComparison.Ordinal);
        Assert.Contains(folder.Root, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task says_which_version_made_the_data_where_that_one_is_missing()
    {
        var refused = await Assert.ThrowsAsync<LocalPostgresException>(
            () => ServerPrograms.Find(folder: null, Environment.GetEnvironmentVariable("PATH"), major: 99, Ct));
        Assert.Contains("made by PostgreSQL 99", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task begins_anew_where_an_earlier_one_was_killed_while_it_made_the_cluster()
    {
        await using var folder = new ClusterFolder();
        Directory.CreateDirectory(Path.Combine(folder.Data, "postgres", "data.new", "base"));
        await using var cluster = await folder.Start(Ct);
        Assert.Equal(1, await ClusterFolder.Ask(cluster.App(), "select 1", Ct));
    }
}

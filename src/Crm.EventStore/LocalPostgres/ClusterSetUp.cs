using Npgsql;

namespace Crm.EventStore.LocalPostgres;

/// <summary>What a server must have before the product can use it: its roles, their passwords, its database.</summary>
internal static class ClusterSetUp
{
    /// <summary>Makes what is missing, and answers the passwords.</summary>
    public static async Task<RolePasswords> Ensure(ClusterFiles files, ClusterFiles.RunningServer server, CancellationToken ct)
    {
        await using var admin = Admin(server);
        var known = await RolePasswords.Read(files.Passwords, ct);
        var passwords = known ?? RolePasswords.Random();
        await DatabaseAdmin.EnsureRoles(admin, passwords, ct);
        if (!await DatabaseAdmin.DatabaseExists(admin, LocalCluster.MainDatabase, ct))
        {
            await DatabaseAdmin.CreateDatabase(admin, LocalCluster.MainDatabase, template: null, ct);
        }

        // Written last: whoever finds the passwords finds the roles and the database too.
        if (known is null)
        {
            await passwords.Write(files.Passwords, ct);
        }

        return passwords;
    }

    /// <summary>The superuser's way in, for set-up.</summary>
    public static NpgsqlDataSource Admin(ClusterFiles.RunningServer server) => NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder
    {
        Host = server.Socket,
        Port = server.Port,
        Username = "postgres",
        Database = "postgres",
        ApplicationName = "crm set-up",
        Pooling = false, // rare, and a kept connection would stand in the way of a copy
    });
}

using System.Text.RegularExpressions;
using Npgsql;

namespace Crm.EventStore.LocalPostgres;

/// <summary>What a superuser, or a login that may, does to a server: the product's roles and its databases.</summary>
public static partial class DatabaseAdmin
{
    /// <summary>The role that migrates and owns the log's tables.</summary>
    public const string OwnerRole = "crm_owner";

    /// <summary>The role that the product runs as; it cannot change or delete an event.</summary>
    public const string AppRole = "crm_app";

    /// <summary>The role that reads the documented read models and nothing else.</summary>
    public const string ReportingRole = "crm_reporting";

    /// <summary>Makes the three roles where they are missing. With passwords they may log in, without they are only switched to.</summary>
    /// <param name="admin">A login that may make roles, where they are missing.</param>
    /// <param name="passwords">The roles' passwords.</param>
    /// <param name="ct">Gives up waiting.</param>
    /// <param name="logins">Logins that switch to <see cref="AppRole"/>: they become members of it.</param>
    /// <exception cref="LocalPostgresException">The login may not make roles; the message says what an administrator must run.</exception>
    public static async Task EnsureRoles(
        NpgsqlDataSource admin, RolePasswords? passwords, CancellationToken ct, params IReadOnlyList<string> logins)
    {
        await using var connection = await admin.OpenConnectionAsync(ct);
        try
        {
            foreach (var role in new[] { OwnerRole, AppRole, ReportingRole })
            {
                await EnsureRole(connection, role, passwords?.Of(role), ct);
            }

            foreach (var member in logins.Prepend(OwnerRole))
            {
                if (!await IsTrue(connection, "select pg_has_role($1, $2, 'member')", [member, AppRole], ct))
                {
                    await Execute(connection, await Quoted(connection, $"grant {AppRole} to %1$I", [member], ct), ct);
                }
            }
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new LocalPostgresException(
                "The database login may not make the roles of the product. Let an administrator run, each where it is not done yet: "
                + $"create role {OwnerRole}; create role {AppRole}; create role {ReportingRole}; "
                + $"grant {AppRole} to {string.Join(", ", logins.Prepend(OwnerRole).Select(login => $"\"{login}\""))};",
                refused);
        }
    }

    /// <summary>
    /// Makes a database that <see cref="OwnerRole"/> owns and only the product's roles may enter, empty or as a copy of another
    /// that nobody is connected to.
    /// </summary>
    public static async Task CreateDatabase(NpgsqlDataSource admin, string name, string? template, CancellationToken ct)
    {
        var database = Named(name);
        await using var connection = await admin.OpenConnectionAsync(ct);
        var source = template is null ? "template template0 encoding 'UTF8'" : $"template {Named(template)}";
        await Execute(connection, $"create database {database} owner {OwnerRole} {source}", ct);
        await Execute(connection, $"revoke all on database {database} from public", ct);
        await Execute(connection, $"grant connect, temporary on database {database} to {AppRole}", ct);
        await Execute(connection, $"grant connect on database {database} to {ReportingRole}", ct);
    }

    /// <summary>True when the server has a database of that name.</summary>
    public static async Task<bool> DatabaseExists(NpgsqlDataSource admin, string name, CancellationToken ct)
    {
        await using var connection = await admin.OpenConnectionAsync(ct);
        return await IsTrue(connection, "select exists (select from pg_database where datname = $1)", [name], ct);
    }

    /// <summary>Removes a database, and throws out whoever is connected to it. One that is not there is no error.</summary>
    public static async Task DropDatabase(NpgsqlDataSource admin, string name, CancellationToken ct)
    {
        await using var connection = await admin.OpenConnectionAsync(ct);
        await Execute(connection, $"drop database if exists {Named(name)} with (force)", ct);
    }

    private static async Task EnsureRole(NpgsqlConnection connection, string role, string? password, CancellationToken ct)
    {
        if (!await IsTrue(connection, "select exists (select from pg_roles where rolname = $1)", [role], ct))
        {
            await Execute(connection, $"create role {role}", ct);
        }

        if (password is null)
        {
            return;
        }

        await Execute(connection, await Quoted(connection, "alter role %1$I login password %2$L", [role, password], ct), ct);
    }

    // Statements on roles take no parameters: the server itself quotes the values.
    private static async Task<string> Quoted(NpgsqlConnection connection, string form, string[] values, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("select format($1, variadic $2)", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = form });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = values });
        return (string)(await command.ExecuteScalarAsync(ct) ?? throw new InvalidOperationException("format answered null"));
    }

    private static async Task<bool> IsTrue(NpgsqlConnection connection, string sql, string[] values, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value });
        }

        return await command.ExecuteScalarAsync(ct) is true;
    }

    private static async Task Execute(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }

    // The only names that reach a statement unquoted: what fits here needs no quotes.
    /// <summary>Whether a database can have this name.</summary>
    public static bool IsName(string name) => Name().IsMatch(name);

    private static string Named(string name) => IsName(name)
        ? name
        : throw new ArgumentException($"'{name}' is no name for a database: lower-case letters, digits and underscores, at most 63.", nameof(name));

    [GeneratedRegex("^[a-z_][a-z0-9_]{0,62}$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Name();
}

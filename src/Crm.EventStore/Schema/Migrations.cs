using System.Data;
using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Crm.EventStore.Schema;

/// <summary>
/// The database's schema: numbered scripts, each applied once, in its own transaction, and remembered with its SHA-256. Needs the roles
/// <c>crm_app</c> and <c>crm_reporting</c>, and a login that owns the database and is a member of <c>crm_app</c>.
/// </summary>
public static class Migrations
{
    // Any constant will do, as long as every version of this program takes the same one.
    private const long LockKey = 0x43524D_4D494752;

    private static readonly IReadOnlyList<Script> scripts = Load();

    /// <summary>A fingerprint of all scripts: two programs with the same one make the same schema.</summary>
    public static string Fingerprint { get; } =
        Convert.ToHexStringLower(SHA256.HashData(
            Encoding.UTF8.GetBytes(string.Join('\n', scripts.Select(script => $"{script.Name} {script.Hash}")))));

    /// <summary>The last script: what a database of this program ends with.</summary>
    public static string Latest => scripts[^1].Name;

    /// <summary>Applies the scripts that the database has not seen; several hosts may do so at once.</summary>
    /// <returns>The names of the scripts that were applied now; none when the schema was up to date.</returns>
    /// <exception cref="InvalidOperationException">A script that was applied has since been changed.</exception>
    public static async Task<IReadOnlyList<string>> Apply(NpgsqlDataSource owner, CancellationToken ct)
    {
        await using var connection = await owner.OpenConnectionAsync(ct);
        await Run(connection, $"select pg_advisory_lock({LockKey.ToString(CultureInfo.InvariantCulture)})", ct);
        try
        {
            await Run(
                connection,
                """
                create schema if not exists crm;
                create table if not exists crm.schema_migrations (
                    name text primary key,
                    sha256 text not null,
                    applied_at timestamptz not null default now()
                )
                """,
                ct);
            var applied = await ReadApplied(connection, ct);
            var now = new List<string>();
            foreach (var script in scripts)
            {
                if (!applied.TryGetValue(script.Name, out var hash))
                {
                    await Apply(connection, script, ct);
                    now.Add(script.Name);
                }
                else if (hash != script.Hash)
                {
                    throw new InvalidOperationException(
                        $"The migration {script.Name} was applied to this database with other content. " +
                        "A script that was applied is never changed: write a new one.");
                }
            }

            return now;
        }
        finally
        {
            // Not with the caller's token: the connection goes back to its pool and must not take the lock with it.
            // A broken one has lost the lock already, and must not hide what broke it.
            if (connection.State == ConnectionState.Open)
            {
                var unlock = string.Create(CultureInfo.InvariantCulture, $"select pg_advisory_unlock({LockKey})");
                await Run(connection, unlock, CancellationToken.None);
            }
        }
    }

    private static async Task Apply(NpgsqlConnection connection, Script script, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await Run(connection, script.Sql, ct);
        await using var remember = new NpgsqlCommand("insert into crm.schema_migrations (name, sha256) values ($1, $2)", connection)
        {
            Parameters = { new() { Value = script.Name }, new() { Value = script.Hash } },
        };
        await remember.ExecuteNonQueryAsync(ct);
        await transaction.CommitAsync(ct);
    }

    private static async Task<Dictionary<string, string>> ReadApplied(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("select name, sha256 from crm.schema_migrations", connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        var applied = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(ct))
        {
            applied.Add(reader.GetString(0), reader.GetString(1));
        }

        return applied;
    }

    private static async Task Run(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(ct);
    }

    private static List<Script> Load()
    {
        const string Prefix = "Crm.EventStore.Schema.";
        var assembly = typeof(Migrations).Assembly;
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal) && char.IsAsciiDigit(name[Prefix.Length]))
            .Order(StringComparer.Ordinal)
            .Select(name => new Script(name[Prefix.Length..^".sql".Length], Read(assembly, name)))];
    }

    private static string Read(Assembly assembly, string resource)
    {
        using var stream = assembly.GetManifestResourceStream(resource)
            ?? throw new InvalidOperationException($"The migration {resource} is not in the assembly.");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private sealed record Script(string Name, string Sql)
    {
        public string Hash { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Sql)));
    }
}

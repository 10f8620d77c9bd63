using Npgsql;

namespace Crm.EventStore.LocalPostgres;

/// <summary>
/// Puts one database in another's place by their names, so that no setting of any host changes: the one that served is set aside under a
/// third name, from which the same switch brings it back.
/// </summary>
public static class DatabaseSwitch
{
    /// <summary>Switches, both names in one transaction.</summary>
    /// <param name="admin">A login that owns both databases, connected to neither.</param>
    /// <param name="serving">The name under which hosts find the database.</param>
    /// <param name="next">The database that is to serve.</param>
    /// <param name="aside">The name under which the one that served is kept.</param>
    /// <param name="ct">Gives up waiting.</param>
    /// <exception cref="LocalPostgresException">Somebody is connected to one of them, or the name is taken: nothing was done.</exception>
    public static async Task Run(NpgsqlDataSource admin, string serving, string next, string aside, CancellationToken ct)
    {
        await using var connection = await admin.OpenConnectionAsync(ct);
        await using var both = await connection.BeginTransactionAsync(ct);
        try
        {
            await Rename(connection, serving, aside, ct);
            await Rename(connection, next, serving, ct);
            await both.CommitAsync(ct);
        }
        catch (PostgresException busy) when (busy.SqlState is PostgresErrorCodes.ObjectInUse or PostgresErrorCodes.DuplicateDatabase)
        {
            throw new LocalPostgresException(
                busy.SqlState is PostgresErrorCodes.ObjectInUse
                    ? $"Somebody is still connected: stop every host and every tool first. ({busy.MessageText})"
                    : $"{busy.MessageText}. Nothing was changed.",
                busy);
        }
    }

    private static async Task Rename(NpgsqlConnection connection, string from, string to, CancellationToken ct)
    {
        // A statement on databases takes no parameters: the server itself quotes the names.
        await using var form = new NpgsqlCommand("select format('alter database %I rename to %I', $1, $2)", connection);
        form.Parameters.Add(new NpgsqlParameter<string> { TypedValue = from });
        form.Parameters.Add(new NpgsqlParameter<string> { TypedValue = to });
        await using var rename = new NpgsqlCommand(
            (string)(await form.ExecuteScalarAsync(ct) ?? throw new InvalidOperationException("format answered null")), connection);
        await rename.ExecuteNonQueryAsync(ct);
    }
}

using System.Globalization;
using Crm.EventStore.Projections;
using Npgsql;

namespace Crm.EventStore.Audit;

/// <summary>Rows of the log as they are stored, in order of position, by <c>COPY</c> in the binary format: one at a time.</summary>
internal sealed class StoredRows : IAsyncDisposable
{
    private const string Sql =
        $"""
        copy (select {EventLeaf.Columns} from crm.mt_events
              where seq_id > current_setting('crm.after')::bigint and seq_id <= current_setting('crm.upto')::bigint order by seq_id)
        to stdout (format binary)
        """;

    private readonly NpgsqlRawCopyStream copy;
    private readonly CopyRows rows;
    private bool isAtEnd;

    private StoredRows(NpgsqlRawCopyStream copy) => (this.copy, rows) = (copy, new CopyRows(copy));

    /// <summary>
    /// Begins with the row after a position; the one at another is the last. The connection is busy until this is disposed.
    /// </summary>
    public static async Task<StoredRows> Open(NpgsqlConnection connection, long after, long to, CancellationToken ct)
    {
        // COPY takes no parameters.
        await using var set = new NpgsqlCommand(
            "select set_config('crm.after', $1, false), set_config('crm.upto', $2, false)", connection);
        set.Parameters.Add(new NpgsqlParameter<string> { TypedValue = after.ToString(CultureInfo.InvariantCulture) });
        set.Parameters.Add(new NpgsqlParameter<string> { TypedValue = to.ToString(CultureInfo.InvariantCulture) });
        await set.ExecuteNonQueryAsync(ct);
        return new StoredRows(await connection.BeginRawBinaryCopyAsync(Sql, ct));
    }

    /// <summary>Goes to the next row; false after the last.</summary>
    public async ValueTask<bool> Next(CancellationToken ct)
    {
        isAtEnd = !await rows.Next(ct);
        return !isAtEnd;
    }

    /// <summary>The row. It holds until the next.</summary>
    public StoredRow Current => EventLeaf.Read(rows);

    /// <summary>Frees the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!isAtEnd)
        {
            await copy.CancelAsync();
        }

        await copy.DisposeAsync();
    }
}

using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>What a table holds, as far as it is compared: the number of its rows, and a digest of them in whatever order.</summary>
/// <param name="Rows">How many rows.</param>
/// <param name="Sum">The sum of the rows' 64-bit hashes.</param>
public readonly record struct TableDigest(long Rows, decimal Sum)
{
    /// <summary>Reads a whole table of schema <c>crm_read</c>, or what a view of it shows.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="table">The table's or view's name, a literal.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task<TableDigest> Of(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        var row = await RowOf(connection, table, ct);
        await using var digest = new NpgsqlCommand(
            $"select count(*), coalesce(sum(hash_record_extended({row}, 0)::numeric), 0) from {table} t", connection)
        { CommandTimeout = 0 };
        await using var reader = await digest.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new TableDigest(reader.GetInt64(0), reader.GetDecimal(1));
    }

    /// <summary>
    /// The row that is hashed. Hashes go by equality, and for numbers that is not enough: 1.5 and 1.50 are equal, but not the same to a
    /// reader. So a number goes in with its scale, and a JSON as its text.
    /// </summary>
    private static async Task<string> RowOf(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        await using var columns = new NpgsqlCommand(
            """
            select 'row(' || string_agg(
                case atttypid when 'jsonb'::regtype then format('t.%I::text', attname)
                              when 'numeric'::regtype then format('t.%1$I, scale(t.%1$I)', attname)
                              else format('t.%I', attname) end, ', ' order by attnum) || ')'
            from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped
            """,
            connection);
        columns.Parameters.Add(new NpgsqlParameter<string> { TypedValue = table });
        return await columns.ExecuteScalarAsync(ct) as string ?? throw new InvalidOperationException($"{table} has no columns.");
    }
}

using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>A <c>COPY</c> of rows into a read model's table. It has to be ended; left without, it is taken back.</summary>
internal sealed class TableCopy<TRow> : IAsyncDisposable
    where TRow : class
{
    private readonly NpgsqlRawCopyStream copy;
    private readonly ReadTable<TRow> table;
    private readonly BinaryRows rows = new();
    private bool ended;

    private TableCopy(NpgsqlRawCopyStream copy, ReadTable<TRow> table)
    {
        this.copy = copy;
        this.table = table;
    }

    /// <summary>Begins to copy.</summary>
    /// <param name="connection">The connection, which can do nothing else meanwhile.</param>
    /// <param name="table">The table.</param>
    /// <param name="physical">Its physical name.</param>
    /// <param name="isNew">
    /// Whether this transaction made the table: its rows then are frozen from the beginning, and need no vacuum.
    /// </param>
    /// <param name="ct">Cancels.</param>
    public static async Task<TableCopy<TRow>> Begin(
        NpgsqlConnection connection, ReadTable<TRow> table, string physical, bool isNew, CancellationToken ct) => new(
            await connection.BeginRawBinaryCopyAsync(
                $"copy {physical} ({table.ColumnList}) from stdin (format binary{(isNew ? ", freeze" : "")})", ct),
            table);

    /// <summary>Writes rows.</summary>
    public async ValueTask Write(IReadOnlyCollection<TRow> more, CancellationToken ct)
    {
        foreach (var row in more)
        {
            rows.StartRow(table.Columns.Count);
            foreach (var column in table.Columns)
            {
                column.Write(rows, row);
            }

            if (rows.IsFull)
            {
                await rows.Send(copy, ct);
            }
        }
    }

    /// <summary>Ends the copy.</summary>
    /// <exception cref="PostgresException">A row was refused; none was written.</exception>
    public async Task End(CancellationToken ct)
    {
        rows.End();
        await rows.Send(copy, ct);
        ended = true;
        await copy.DisposeAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!ended)
        {
            ended = true;
            await copy.CancelAsync();
            await copy.DisposeAsync();
        }
    }
}

using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>What stands of one stream in one table of a read model, beside what a fold of the stream's history gives.</summary>
/// <param name="Table">The table's plain name.</param>
/// <param name="Rows">How many rows of the stream it holds.</param>
/// <param name="Different">How many rows it holds that the fold does not give, or lacks that the fold gives.</param>
public sealed record StreamRows(string Table, long Rows, long Different)
{
    internal static async Task<StreamRows> Compare<TRow>(
        NpgsqlConnection connection, ProjectionBuild build, ReadTable<TRow> table, IReadOnlyCollection<TRow> folded, Guid stream,
        CancellationToken ct)
        where TRow : class
    {
        var (stands, given) = (build.Physical(table.Name), $"pg_temp.given_{table.Name}");
        await using (var make = new NpgsqlCommand($"create temporary table given_{table.Name} (like {stands}) on commit drop", connection))
        {
            await make.ExecuteNonQueryAsync(ct);
        }

        await using (var copy = await TableCopy<TRow>.Begin(connection, table, given, isNew: false, ct))
        {
            await copy.Write(folded, ct);
            await copy.End(ct);
        }

        var ofStream = $"select {table.ColumnList} from {stands} where {table.StreamColumn} = $1";
        var ofFold = $"select {table.ColumnList} from {given}";
        await using var compare = new NpgsqlCommand(
            $"""
            select (select count(*) from ({ofStream}) s),
                (select count(*) from ({ofStream} except all {ofFold}) more) + (select count(*) from ({ofFold} except all {ofStream}) less)
            """,
            connection)
        {
            Parameters = { new NpgsqlParameter<Guid> { TypedValue = stream } },
        };
        await using var reader = await compare.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return new StreamRows(table.Name, reader.GetInt64(0), reader.GetInt64(1));
    }
}

/// <summary>How a read model stands for one stream.</summary>
/// <param name="Projection">The projection.</param>
/// <param name="Position">How far it has come in the log.</param>
/// <param name="Tables">Its tables; none before its first build.</param>
/// <param name="ParkedAt">The position at which the stream is parked; null when it is not.</param>
/// <param name="RowsElsewhere">Rows of the stream in builds that nobody reads any more.</param>
public sealed record StreamModel(string Projection, long Position, IReadOnlyList<StreamRows> Tables, long? ParkedAt, long RowsElsewhere)
{
    /// <summary>Whether it holds of the stream exactly what the log gives today, up to its position.</summary>
    public bool EqualsLog => ParkedAt is null && Tables.All(static table => table.Different == 0);
}

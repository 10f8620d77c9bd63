using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Projections;

/// <summary>One column of a read model's table: its name, its SQL type, and how a row's value is written by binary <c>COPY</c>.</summary>
/// <param name="Name">The column's name.</param>
/// <param name="SqlType">Its SQL type with constraints, such as <c>text not null</c>.</param>
/// <param name="Write">Writes a row's value as the next column.</param>
public sealed record Column<TRow>(string Name, string SqlType, Action<BinaryRows, TRow> Write);

/// <summary>
/// A read model's table. Its physical name carries a build number (<c>lead_board_b3</c>), so that a rebuild stands beside the
/// live one; readers use the view of the plain name (<c>lead_board</c>), which a switch points to the new build.
/// </summary>
/// <typeparam name="TRow">The row.</typeparam>
public class ReadTable<TRow>
    where TRow : class
{
    /// <summary>The table's and its view's plain name in schema <c>crm_read</c>, unique among all read models.</summary>
    public required string Name { get; init; }

    /// <summary>The columns in order.</summary>
    public required IReadOnlyList<Column<TRow>> Columns { get; init; }

    /// <summary>The primary key's columns, such as <c>lead_id</c> or <c>position, ordinal</c>.</summary>
    public required string PrimaryKey { get; init; }

    /// <summary>
    /// Further indexes: (suffix of the index's name, what follows <c>on table</c>), such as
    /// <c>("status", "(status, created_at desc, lead_id)")</c>. Made after a rebuild's <c>COPY</c>.
    /// </summary>
    public IReadOnlyList<(string Suffix, string On)> Indexes { get; init; } = [];

    /// <summary>The column that holds the id of the stream that a row belongs to.</summary>
    public string StreamColumn { get; init; } = "stream_id";

    /// <summary>The names of the columns, with commas.</summary>
    internal string ColumnList => string.Join(", ", Columns.Select(static column => column.Name));

    /// <summary>Storage parameters, such as <c>fillfactor = 80</c>; empty for none.</summary>
    public string Storage { get; init; } = "";

    /// <summary>A column whose value is read from a row.</summary>
    /// <typeparam name="TValue">The value's type; null is written as SQL null.</typeparam>
    public static Column<TRow> Column<TValue>(string name, string sqlType, NpgsqlDbType type, Func<TRow, TValue?> value)
    {
        var write = ColumnValues.WriterOf<TValue>(type);
        return new(name, sqlType, (rows, row) => write(rows, value(row)));
    }
}

/// <summary>A table of one row per stream that the fold reads back before it goes on.</summary>
/// <typeparam name="TState">The row.</typeparam>
public sealed class StateTable<TState> : ReadTable<TState>
    where TState : class
{
    /// <summary>The stream that a row belongs to.</summary>
    public required Func<TState, Guid> StreamOf { get; init; }

    /// <summary>Reads a row; the reader's columns stand in the order of <see cref="ReadTable{TRow}.Columns"/>.</summary>
    public required Func<NpgsqlDataReader, TState> Read { get; init; }
}

/// <summary>
/// Sums of a projection's entries per day and key, kept in step with them in the same transaction: what makes a report over a
/// million leads a sum of some hundred rows.
/// </summary>
/// <typeparam name="TEntry">The entry.</typeparam>
/// <param name="Name">The table's and its view's plain name in schema <c>crm_read</c>.</param>
/// <param name="Of">The total that an entry counts into, and with how much; null when it counts into none.</param>
/// <param name="TimeColumn">The entries' column that says of what day an entry is.</param>
/// <param name="Read">Reads an entry back, to add it up anew; columns stand in the order of the entries' table.</param>
public sealed record DailyTotals<TEntry>(
    string Name, Func<TEntry, (TotalKey Key, Total Adds)?> Of, string TimeColumn, Func<NpgsqlDataReader, TEntry> Read)
    where TEntry : class;

/// <summary>Which total: a day, a measure and what it is broken down by. Column names are the property names in snake case.</summary>
/// <param name="Day">The day, in UTC.</param>
/// <param name="Measure">What is counted, such as <c>entered</c>.</param>
/// <param name="Dim1">The first breakdown, such as a status; empty for none.</param>
/// <param name="Dim2">The second breakdown; empty for none.</param>
/// <param name="Currency">The currency of the amount; empty where there is no amount.</param>
/// <param name="Bucket">The bucket of a duration (see <see cref="DurationBucket"/>); 0 where there is none.</param>
public readonly record struct TotalKey(DateOnly Day, string Measure, string Dim1, string Dim2, string Currency, short Bucket)
{
    /// <summary>
    /// Stands in place of the day in the sum over all days, which is kept beside those of the days (<c>-infinity</c> in the table),
    /// so that a report on everything reads some ten rows.
    /// </summary>
    public static DateOnly AllTime => DateOnly.MinValue;
}

/// <summary>How much: all of it adds up, and may be negative.</summary>
/// <param name="Count">How many.</param>
/// <param name="Amount">How much money.</param>
/// <param name="Micros">How long together, in microseconds.</param>
public readonly record struct Total(long Count, decimal Amount, long Micros);

/// <summary>
/// Duration buckets, each about 9 % wide (eight to the power of two), so that an exact median needs one bucket's entries only.
/// </summary>
public static class DurationBucket
{
    /// <summary>The bucket of a duration in microseconds; 1 for zero and below; grows with the duration.</summary>
    public static short Of(long micros) => micros <= 0 ? (short)1 : (short)(2 + (int)Math.Floor(Math.Log2(micros) * 8));

    /// <summary>
    /// The least duration, in microseconds, that is in this bucket or a later one.
    /// </summary>
    public static long LeastOf(short bucket)
    {
        if (bucket <= 1)
        {
            return long.MinValue;
        }

        var estimate = Math.Max(1, (long)Math.Pow(2, (bucket - 2) / 8.0));
        while (estimate > 1 && Of(estimate) >= bucket)
        {
            estimate--;
        }

        while (Of(estimate) < bucket)
        {
            estimate++;
        }

        return estimate;
    }
}

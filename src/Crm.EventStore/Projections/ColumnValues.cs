using NpgsqlTypes;

namespace Crm.EventStore.Projections;

/// <summary>How a value of a .NET type is written as a column of a PostgreSQL type: the pairs that read models use, and no other.</summary>
internal static class ColumnValues
{
    private static readonly Dictionary<(Type Value, NpgsqlDbType Column), Delegate> Writers = new[]
    {
        Of<Guid>(NpgsqlDbType.Uuid, static (rows, value) => rows.Write(value)),
        Of<long>(NpgsqlDbType.Bigint, static (rows, value) => rows.Write(value)),
        Of<int>(NpgsqlDbType.Integer, static (rows, value) => rows.Write(value)),
        Of<short>(NpgsqlDbType.Smallint, static (rows, value) => rows.Write(value)),
        Of<bool>(NpgsqlDbType.Boolean, static (rows, value) => rows.Write(value)),
        Of<decimal>(NpgsqlDbType.Numeric, static (rows, value) => rows.Write(value)),
        Of<DateTimeOffset>(NpgsqlDbType.TimestampTz, static (rows, value) => rows.Write(value)),
        Of<DateOnly>(NpgsqlDbType.Date, static (rows, value) => rows.Write(value)),
        [
            Text(NpgsqlDbType.Text, static (rows, value) => rows.Write(value)),
            Text(NpgsqlDbType.Jsonb, static (rows, value) => rows.WriteJson(value)),
            KeyValuePair.Create<(Type, NpgsqlDbType), Delegate>(
                (typeof(string[]), NpgsqlDbType.Array | NpgsqlDbType.Text),
                (Action<BinaryRows, string[]?>)(static (rows, value) => Write(rows, value, static (to, present) => to.Write(present)))),
        ],
    }.SelectMany(static each => each).ToDictionary(static each => each.Key, static each => each.Value);

    /// <summary>The writer for values of a type; null is written as SQL null.</summary>
    /// <exception cref="NotSupportedException">Nobody has said how this type is written as that column.</exception>
    public static Action<BinaryRows, TValue?> WriterOf<TValue>(NpgsqlDbType column) =>
        Writers.GetValueOrDefault((typeof(TValue), column)) as Action<BinaryRows, TValue?>
            ?? throw new NotSupportedException(
                $"{typeof(TValue).Name} is not written as {column} in any read model yet: {nameof(ColumnValues)} says how.");

    private static KeyValuePair<(Type, NpgsqlDbType), Delegate>[] Of<TValue>(NpgsqlDbType column, Action<BinaryRows, TValue> write)
        where TValue : struct =>
    [
        new((typeof(TValue), column), write),
        new((typeof(TValue?), column), (Action<BinaryRows, TValue?>)((rows, value) =>
        {
            if (value is { } present)
            {
                write(rows, present);
            }
            else
            {
                rows.Null();
            }
        })),
    ];

    private static KeyValuePair<(Type, NpgsqlDbType), Delegate> Text(NpgsqlDbType column, Action<BinaryRows, string> write) => new(
        (typeof(string), column), (Action<BinaryRows, string?>)((rows, value) => Write(rows, value, write)));

    private static void Write<TValue>(BinaryRows rows, TValue? value, Action<BinaryRows, TValue> write)
        where TValue : class
    {
        if (value is null)
        {
            rows.Null();
        }
        else
        {
            write(rows, value);
        }
    }
}

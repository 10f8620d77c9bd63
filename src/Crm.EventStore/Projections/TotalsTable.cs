using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>The table behind <see cref="DailyTotals{TEntry}"/>.</summary>
internal static class TotalsTable
{
    /// <summary>The columns, in the order of the primary key first.</summary>
    public const string ColumnList = "measure, day, dim1, dim2, currency, bucket, count, amount, micros";

    /// <summary>The statement that makes the table.</summary>
    public static string Create(string table) =>
        $"""
        create table {table} (
            measure text not null, day date not null, dim1 text not null, dim2 text not null, currency text not null, bucket smallint not null,
            count bigint not null, amount numeric not null, micros bigint not null,
            primary key (measure, day, dim1, dim2, currency, bucket)) with (fillfactor = 70);
        """;

    /// <summary>Adds entries to sums in memory.</summary>
    public static void Add<TEntry>(Dictionary<TotalKey, Total> sums, DailyTotals<TEntry> totals, IReadOnlyList<TEntry> entries)
        where TEntry : class
    {
        foreach (var entry in entries)
        {
            if (totals.Of(entry) is var (key, adds))
            {
                Add(sums, key, adds);
                Add(sums, key with { Day = TotalKey.AllTime }, adds);
            }
        }
    }

    /// <summary>Adds to a sum in memory.</summary>
    public static void Add(Dictionary<TotalKey, Total> sums, TotalKey key, Total adds)
    {
        var sum = sums.GetValueOrDefault(key);
        sums[key] = new Total(sum.Count + adds.Count, sum.Amount + adds.Amount, sum.Micros + adds.Micros);
    }

    /// <summary>Adds sums to the table, inside the caller's transaction. Rows go in key order, so that two writers never deadlock.</summary>
    public static async Task Upsert(NpgsqlConnection connection, string table, Dictionary<TotalKey, Total> sums, CancellationToken ct)
    {
        if (sums.Count == 0)
        {
            return;
        }

        var keys = sums.Keys.ToArray();
        await using var upsert = new NpgsqlCommand(
            $"""
            insert into {table} as t ({ColumnList})
            select measure, day, dim1, dim2, currency, bucket, count, amount, micros
            from unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::smallint[], $7::bigint[], $8::numeric[], $9::bigint[])
                as s(measure, day, dim1, dim2, currency, bucket, count, amount, micros)
            order by 1, 2, 3, 4, 5, 6
            on conflict (measure, day, dim1, dim2, currency, bucket) do update
            set count = t.count + excluded.count, amount = t.amount + excluded.amount, micros = t.micros + excluded.micros
            """,
            connection)
        {
            Parameters =
            {
                new NpgsqlParameter<string[]> { TypedValue = Array.ConvertAll(keys, key => key.Measure) },
                new NpgsqlParameter<DateOnly[]> { TypedValue = Array.ConvertAll(keys, key => key.Day) },
                new NpgsqlParameter<string[]> { TypedValue = Array.ConvertAll(keys, key => key.Dim1) },
                new NpgsqlParameter<string[]> { TypedValue = Array.ConvertAll(keys, key => key.Dim2) },
                new NpgsqlParameter<string[]> { TypedValue = Array.ConvertAll(keys, key => key.Currency) },
                new NpgsqlParameter<short[]> { TypedValue = Array.ConvertAll(keys, key => key.Bucket) },
                new NpgsqlParameter<long[]> { TypedValue = Array.ConvertAll(keys, key => sums[key].Count) },
                new NpgsqlParameter<decimal[]> { TypedValue = Array.ConvertAll(keys, key => sums[key].Amount) },
                new NpgsqlParameter<long[]> { TypedValue = Array.ConvertAll(keys, key => sums[key].Micros) },
            },
        };
        await upsert.ExecuteNonQueryAsync(ct);
    }
}

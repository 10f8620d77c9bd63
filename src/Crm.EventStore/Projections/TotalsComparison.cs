using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>What the comparison of totals came to.</summary>
/// <param name="Days">How many days were added up anew.</param>
/// <param name="Differing">
/// The days of which the totals show something else than their entries come to; <see cref="TotalKey.AllTime"/> where the sums over all
/// days are not those of the days.
/// </param>
public sealed record TotalsResult(int Days, IReadOnlyList<DateOnly> Differing);

/// <summary>
/// Adds up the entries of some days anew and compares them with the totals, to the last digit; and the totals over all days with those of
/// the days, which needs no entry.
/// </summary>
/// <param name="totals">The totals.</param>
/// <param name="entries">The entries that they add up.</param>
/// <param name="build">The build that is compared.</param>
internal sealed class TotalsComparison<TEntry>(DailyTotals<TEntry> totals, ReadTable<TEntry> entries, ProjectionBuild build)
    where TEntry : class
{
    // A few days are found one by one; for more the entries are gone through once.
    private const int DaysByIndex = 20;

    private readonly string totalsTable = build.Physical(totals.Name);
    private readonly string entriesTable = build.Physical(entries.Name);

    /// <summary>Compares inside the caller's transaction, which has to be one snapshot.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="positions">The positions of which the entries' days are the sample.</param>
    /// <param name="mostDays">How many days are added up at the most.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<TotalsResult> Run(NpgsqlConnection connection, long[] positions, int mostDays, CancellationToken ct)
    {
        var days = await Days(connection, positions, mostDays, ct);
        var shown = await Shown(connection, days, ct);
        var differing = new List<DateOnly>();
        if (await AllTimeDiffers(connection, ct))
        {
            differing.Add(TotalKey.AllTime);
        }

        var read = days.Length > DaysByIndex ? await Anew(connection, days, ct) : null;
        foreach (var day in days)
        {
            var anew = read is null ? await Anew(connection, day, ct) : read.GetValueOrDefault(day) ?? [];
            var here = shown.GetValueOrDefault(day) ?? [];
            if (anew.Count != here.Count || anew.Any(each => !here.TryGetValue(each.Key, out var total) || !Same(total, each.Value)))
            {
                differing.Add(day);
            }
        }

        return new TotalsResult(days.Length, differing);
    }

    // 1.5 and 1.50 are equal, but not the same to a reader.
    private static bool Same(Total one, Total other) => one == other && one.Amount.Scale == other.Amount.Scale;

    private async Task<DateOnly[]> Days(NpgsqlConnection connection, long[] positions, int most, CancellationToken ct)
    {
        await using var find = new NpgsqlCommand(
            $"""
            select distinct ({totals.TimeColumn} at time zone 'UTC')::date from {entriesTable}
            where position = any($1) and isfinite({totals.TimeColumn}) order by 1
            """,
            connection);
        find.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = positions });
        var days = new List<DateOnly>();
        await using var reader = await find.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            days.Add(reader.GetFieldValue<DateOnly>(0));
        }

        // Where there are too many, some at equal distances: old days as well as new ones.
        return days.Count <= most ? [.. days] : [.. Enumerable.Range(0, most).Select(each => days[each * days.Count / most])];
    }

    private async Task<Dictionary<DateOnly, Dictionary<TotalKey, Total>>> Shown(
        NpgsqlConnection connection, DateOnly[] days, CancellationToken ct)
    {
        await using var read = new NpgsqlCommand(
            $"select {TotalsTable.ColumnList} from {totalsTable} where day = any($1)", connection);
        read.Parameters.Add(new NpgsqlParameter<DateOnly[]> { TypedValue = days });
        var shown = new Dictionary<DateOnly, Dictionary<TotalKey, Total>>();
        await using var reader = await read.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var key = new TotalKey(
                reader.GetFieldValue<DateOnly>(1), reader.GetString(0), reader.GetString(2), reader.GetString(3), reader.GetString(4),
                reader.GetInt16(5));
            if (!shown.TryGetValue(key.Day, out var ofDay))
            {
                shown.Add(key.Day, ofDay = []);
            }

            ofDay.Add(key, new Total(reader.GetInt64(6), reader.GetDecimal(7), reader.GetInt64(8)));
        }

        return shown;
    }

    private async Task<Dictionary<TotalKey, Total>> Anew(NpgsqlConnection connection, DateOnly day, CancellationToken ct)
    {
        await using var read = new NpgsqlCommand(
            $"""
            select {entries.ColumnList} from {entriesTable} where {totals.TimeColumn} >= $1 and {totals.TimeColumn} < $1 + interval '1 day'
            """,
            connection);
        read.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = day.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc) });
        var sums = new Dictionary<TotalKey, Total>();
        await using var reader = await read.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            Add(sums, reader);
        }

        return sums;
    }

    private async Task<Dictionary<DateOnly, Dictionary<TotalKey, Total>>> Anew(
        NpgsqlConnection connection, DateOnly[] days, CancellationToken ct)
    {
        await using var read = new NpgsqlCommand(
            $"""
            select {entries.ColumnList}, ({totals.TimeColumn} at time zone 'UTC')::date from {entriesTable}
            where isfinite({totals.TimeColumn}) and ({totals.TimeColumn} at time zone 'UTC')::date = any($1)
            """,
            connection);
        read.Parameters.Add(new NpgsqlParameter<DateOnly[]> { TypedValue = days });
        var ofDays = new Dictionary<DateOnly, Dictionary<TotalKey, Total>>();
        await using var reader = await read.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var day = reader.GetFieldValue<DateOnly>(reader.FieldCount - 1);
            if (!ofDays.TryGetValue(day, out var sums))
            {
                ofDays.Add(day, sums = []);
            }

            Add(sums, reader);
        }

        return ofDays;
    }

    private void Add(Dictionary<TotalKey, Total> sums, NpgsqlDataReader entry)
    {
        if (totals.Of(totals.Read(entry)) is var (key, adds))
        {
            TotalsTable.Add(sums, key, adds);
        }
    }

    private async Task<bool> AllTimeDiffers(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var compare = new NpgsqlCommand(
            $"""
            select exists (
                select from {totalsTable} group by measure, dim1, dim2, currency, bucket
                having (sum(count) filter (where day = '-infinity'), sum(amount) filter (where day = '-infinity'),
                        sum(micros) filter (where day = '-infinity'))
                    is distinct from (sum(count) filter (where day > '-infinity'), sum(amount) filter (where day > '-infinity'),
                        sum(micros) filter (where day > '-infinity')))
            """,
            connection);
        return await compare.ExecuteScalarAsync(ct) is true;
    }
}

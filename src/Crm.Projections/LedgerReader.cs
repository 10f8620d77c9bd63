using System.Data;
using Crm.Domain;
using Npgsql;

namespace Crm.Projections;

/// <summary>The sum of a ledger's facts under one key.</summary>
/// <param name="Day">The day; null in a sum over days.</param>
/// <param name="Measure">What was counted.</param>
/// <param name="Dim1">The first breakdown; empty for none.</param>
/// <param name="Dim2">The second breakdown; empty for none.</param>
/// <param name="Currency">The amount's currency; empty for none.</param>
/// <param name="Bucket">The bucket of the duration; 0 for none.</param>
/// <param name="Count">How many.</param>
/// <param name="Amount">How much.</param>
public readonly record struct Sum(
    DateOnly? Day, string Measure, string Dim1, string Dim2, string Currency, short Bucket, long Count, decimal Amount);

/// <summary>
/// Sums a ledger's facts at any moment, all in one snapshot: whole days from the totals, the days that a period cuts from the facts.
/// What the log held at a position is the totals without the facts after it, or the facts up to it, whichever are fewer.
/// </summary>
internal sealed class LedgerReader : IAsyncDisposable
{
    private readonly NpgsqlConnection connection;
    private readonly NpgsqlTransaction transaction;
    private readonly LedgerSql sql;

    private readonly Visibility visible;

    private LedgerReader(NpgsqlConnection connection, NpgsqlTransaction transaction, LedgerSql sql, Visibility visible)
    {
        this.visible = visible;
        this.connection = connection;
        this.transaction = transaction;
        this.sql = sql;
    }

    /// <summary>The connection whose snapshot is read.</summary>
    public NpgsqlConnection Connection => connection;

    /// <summary>Opens a snapshot of a ledger.</summary>
    /// <param name="database">The read models.</param>
    /// <param name="ledger">The ledger's name.</param>
    /// <param name="visible">Whose leads count.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="byDim2">Whether its totals, and so its sums, are broken down by the second breakdown.</param>
    public static async Task<LedgerReader> Open(
        NpgsqlDataSource database, string ledger, Visibility visible, CancellationToken ct, bool byDim2 = true)
    {
        var connection = await database.OpenConnectionAsync(ct);
        try
        {
            var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
            return new LedgerReader(connection, transaction, new LedgerSql(ledger, byDim2, visible), visible);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    /// <summary>The sums of some measures over a period.</summary>
    /// <param name="measures">The measures.</param>
    /// <param name="period">The period.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="byBucket">Whether the sums are broken down by the bucket of the duration.</param>
    /// <param name="byDay">Whether the sums are broken down by day.</param>
    /// <param name="ofDim2">Only facts of this second breakdown, of which the ledger keeps no totals; null for all.</param>
    public async Task<IReadOnlyList<Sum>> Read(
        string[] measures, Period period, CancellationToken ct, bool byBucket = false, bool byDay = false, string? ofDim2 = null)
    {
        var command = new NpgsqlCommand { Connection = connection, Transaction = transaction };
        await using (command)
        {
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = measures });
            var parts = ofDim2 is not null
                ? [sql.OfDim2(command, ofDim2, period)]
                : !visible.IsAll
                ? [sql.OfVisible(command, period)]
                : period.AsOf.Position is { } position
                ? sql.UpTo(command, position, await LastPosition(ct), period, byDay)
                : sql.Of(command, period, byDay);
            var day = byDay ? "day" : "null::date";
            var bucket = byBucket ? "bucket" : "0::smallint";
            command.CommandText =
                $"""
                select {day}, measure, dim1, dim2, currency, {bucket}, sum(count)::bigint, sum(amount)
                from ({string.Join("\nunion all\n", parts)}) as part
                group by 1, 2, 3, 4, 5, 6
                having sum(count) <> 0 or sum(amount) <> 0
                order by 1, 2, 3, 4, 5, 6
                """;
            return await ReadSums(command, ct);
        }
    }

    /// <summary>The exact medians of a measure's durations by its first breakdown, in seconds; nothing where there are none.</summary>
    /// <param name="measure">The measure.</param>
    /// <param name="sums">Its sums over the period by bucket.</param>
    /// <param name="period">The period.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<IReadOnlyDictionary<string, decimal>> Medians(
        string measure, IEnumerable<Sum> sums, Period period, CancellationToken ct)
    {
        var wanted = sums.Where(sum => sum.Measure == measure && sum.Bucket > 0)
            .GroupBy(sum => sum.Dim1, StringComparer.Ordinal)
            .Select(group => (Dim1: group.Key, Middle: MedianSlice.Middle(group)))
            .Where(group => group.Middle is not [])
            .ToList();
        var medians = new Dictionary<string, decimal>(StringComparer.Ordinal);
        if (wanted is [])
        {
            return medians;
        }

        await using var batch = new NpgsqlBatch(connection, transaction);
        foreach (var (dim1, middle) in wanted)
        {
            foreach (var slice in middle)
            {
                batch.BatchCommands.Add(sql.Slice(measure, dim1, slice, period));
            }
        }

        await using var reader = await batch.ExecuteReaderAsync(ct);
        foreach (var (dim1, middle) in wanted)
        {
            var values = new List<long>(2);
            foreach (var _ in middle)
            {
                while (await reader.ReadAsync(ct))
                {
                    values.Add(reader.GetInt64(0));
                }

                await reader.NextResultAsync(ct);
            }

            medians[dim1] = values.Sum(value => (decimal)value) / values.Count / 1_000_000m;
        }

        return medians;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }

    /// <summary>The amounts of some sums per currency, without those that come to nothing.</summary>
    public static IReadOnlyList<Money> PerCurrency(IEnumerable<(string Currency, decimal Amount)> amounts) =>
    [
        .. amounts.GroupBy(amount => amount.Currency, StringComparer.Ordinal)
            .Select(group => new Money(group.Sum(amount => amount.Amount), group.Key))
            .Where(money => money.Currency.Length > 0 && money.Amount != 0)
            .OrderBy(money => money.Currency, StringComparer.Ordinal),
    ];

    private async Task<long> LastPosition(CancellationToken ct)
    {
        await using var last = new NpgsqlCommand(sql.LastPosition, connection, transaction);
        return (long)(await last.ExecuteScalarAsync(ct) ?? 0L);
    }

    private static async Task<IReadOnlyList<Sum>> ReadSums(NpgsqlCommand command, CancellationToken ct)
    {
        var sums = new List<Sum>();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            sums.Add(new Sum(
                reader.IsDBNull(0) ? null : reader.GetFieldValue<DateOnly>(0),
                reader.GetString(1),
                reader.GetString(2),
                reader.GetString(3),
                reader.GetString(4),
                reader.GetInt16(5),
                reader.GetInt64(6),
                reader.GetDecimal(7)));
        }

        return sums;
    }
}

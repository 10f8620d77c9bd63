using System.Text;
using Crm.EventStore.Projections;
using Npgsql;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>The parts of SQL that a ledger's sums are made of: whole days from its totals, the rest from its facts.</summary>
internal sealed class LedgerSql(string ledger, bool byDim2, Visibility visible)
{
    private static readonly long[] BucketStarts = [.. Enumerable.Range(2, 505).Select(bucket => DurationBucket.LeastOf((short)bucket))];

    private readonly string facts = $"crm_read.{ledger}_facts";
    private readonly string totals = $"crm_read.{ledger}_totals";
    private readonly string dim2 = byDim2 ? "dim2" : "''";

    /// <summary>The position of the last fact; 0 when there is none.</summary>
    public string LastPosition => $"select coalesce(max(position), 0) from {facts}";

    /// <summary>
    /// A period for somebody who does not see all leads: the facts of those that they see today. Totals know no lead, so none is asked.
    /// </summary>
    public string OfVisible(NpgsqlCommand command, Period period) =>
        FactsWhere(command, $"true{Within(command, period)}{UpTo(command, period)}");

    /// <summary>A period as the ledger stands.</summary>
    public List<string> Of(NpgsqlCommand command, Period period, bool byDay)
    {
        if (period.From is null && period.End is null)
        {
            var every = byDay ? "day > '-infinity'" : "day = '-infinity'";
            return [$"select day, measure, dim1, dim2, currency, bucket, count, amount from {totals} where measure = any($1) and {every}"];
        }

        var parts = new List<string>(3);
        var days = new DayRange(period.From, period.End);
        if (days.Whole is var (first, last))
        {
            var from = Parameter(command, first, NpgsqlDbType.Date);
            var to = Parameter(command, last, NpgsqlDbType.Date);
            parts.Add(
                $"select day, measure, dim1, dim2, currency, bucket, count, amount from {totals} "
                + $"where measure = any($1) and day between {from} and {to}");
        }

        foreach (var (from, to) in days.Cut)
        {
            var begin = Parameter(command, from, NpgsqlDbType.TimestampTz);
            var end = Parameter(command, to, NpgsqlDbType.TimestampTz);
            parts.Add(FactsWhere(command, $"at between {begin} and {end}"));
        }

        return parts;
    }

    /// <summary>A period as the log held it at a position: the totals without the facts after it, or the facts up to it, whichever are fewer.</summary>
    /// <param name="command">Takes the parameters.</param>
    /// <param name="position">The position.</param>
    /// <param name="last">The position of the last fact.</param>
    /// <param name="period">The period.</param>
    /// <param name="byDay">Whether the sums are broken down by day.</param>
    public List<string> UpTo(NpgsqlCommand command, long position, long last, Period period, bool byDay)
    {
        var within = Within(command, period);
        var at = Parameter(command, position, NpgsqlDbType.Bigint);
        return position <= last / 2
            ? [FactsWhere(command, $"position <= {at}{within}")]
            : [.. Of(command, period, byDay), FactsWhere(command, $"position > {at}{within}", sign: "-")];
    }

    /// <summary>A period, of one second breakdown only, of which the ledger keeps no totals.</summary>
    public string OfDim2(NpgsqlCommand command, string value, Period period) =>
        FactsWhere(command, $"dim2 = {Parameter(command, value, NpgsqlDbType.Text)}{Within(command, period)}{UpTo(command, period)}");

    /// <summary>The durations in the middle of a measure: what its exact median is made of.</summary>
    public NpgsqlBatchCommand Slice(string measure, string dim1, MedianSlice slice, Period period)
    {
        var command = new NpgsqlCommand();
        var bounds =
            $"measure = {Parameter(command, measure, NpgsqlDbType.Text)} and dim1 = {Parameter(command, dim1, NpgsqlDbType.Text)} "
            + $"and micros >= {Parameter(command, DurationBucket.LeastOf(slice.Bucket), NpgsqlDbType.Bigint)} "
            + $"and micros < {Parameter(command, DurationBucket.LeastOf((short)(slice.Bucket + 1)), NpgsqlDbType.Bigint)}";
        var sql =
            $"select micros from {facts} where {bounds}{Within(command, period)}{UpTo(command, period)}{OfVisibleLeads(command)} "
            + $"order by micros {(slice.FromTheTop ? "desc" : "asc")} "
            + $"offset {Parameter(command, slice.Offset, NpgsqlDbType.Bigint)} "
            + $"limit {Parameter(command, slice.Limit, NpgsqlDbType.Bigint)}";
        var slicing = new NpgsqlBatchCommand(sql);
        while (command.Parameters.Count > 0)
        {
            var parameter = command.Parameters[0];
            command.Parameters.RemoveAt(0);
            slicing.Parameters.Add(parameter);
        }

        return slicing;
    }

    private string FactsWhere(NpgsqlCommand command, string condition, string sign = "")
    {
        var starts = Parameter(command, BucketStarts, NpgsqlDbType.Array | NpgsqlDbType.Bigint);
        return
            $"""
            select (at at time zone 'UTC')::date as day, measure, dim1, {dim2} as dim2, currency,
                case when micros is null then 0 else 1 + width_bucket(micros, {starts}) end::smallint as bucket,
                {sign}count::bigint as count, {sign}amount as amount
            from {facts} where measure = any($1) and {condition}{OfVisibleLeads(command)}
            """;
    }

    private string OfVisibleLeads(NpgsqlCommand command)
    {
        if (visible.IsAll)
        {
            return "";
        }

        var owners = Parameter(command, visible.Owners, NpgsqlDbType.Array | NpgsqlDbType.Uuid);
        return $" and lead_id in (select b.lead_id from crm_read.lead_board b where {Visibility.Condition("lead_board", "b", owners)})";
    }

    private static string UpTo(NpgsqlCommand command, Period period) =>
        period.AsOf.Position is { } position ? $" and position <= {Parameter(command, position, NpgsqlDbType.Bigint)}" : "";

    private static string Within(NpgsqlCommand command, Period period)
    {
        var within = new StringBuilder();
        if (period.From is { } from)
        {
            within.Append(" and at >= ").Append(Parameter(command, Times.ToMicroseconds(from), NpgsqlDbType.TimestampTz));
        }

        if (period.End is { } to)
        {
            within.Append(" and at <= ").Append(Parameter(command, Times.ToMicroseconds(to), NpgsqlDbType.TimestampTz));
        }

        return within.ToString();
    }

    private static string Parameter<T>(NpgsqlCommand command, T value, NpgsqlDbType type)
    {
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value, NpgsqlDbType = type });
        return $"${command.Parameters.Count}";
    }
}

using Npgsql;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>What somebody did, or what happened, or when, between two moments: one line of a comparison.</summary>
/// <param name="Actor">Who; null for nobody, and in lines that are not by actor.</param>
/// <param name="Type">The event's stored name; null in lines that are not by kind.</param>
/// <param name="Hour">The hour in which the log took the events; null in lines that are not by hour.</param>
/// <param name="Events">How many events.</param>
/// <param name="Streams">How many leads, users and so on they touched.</param>
/// <param name="FirstPosition">The position of the first: where it began.</param>
/// <param name="FirstAt">When the log took the first.</param>
/// <param name="LastAt">When the log took the last.</param>
public sealed record AuditDiffLine(
    string? Actor, string? Type, DateTimeOffset? Hour, long Events, long Streams, long FirstPosition, DateTimeOffset FirstAt,
    DateTimeOffset LastAt);

/// <summary>What changed between two positions.</summary>
/// <param name="After">The first of them: its event is not counted.</param>
/// <param name="UpTo">The last position that is counted.</param>
/// <param name="Events">How many events.</param>
/// <param name="Streams">How many leads, users and so on they touched.</param>
/// <param name="ByActor">By who did it, most first.</param>
/// <param name="ByType">By what happened, most first.</param>
/// <param name="ByActorAndType">By both, most first, at most so many.</param>
/// <param name="ByHour">By the hour, in order: the shape of the damage.</param>
public sealed record AuditDiff(
    long After,
    long UpTo,
    long Events,
    long Streams,
    IReadOnlyList<AuditDiffLine> ByActor,
    IReadOnlyList<AuditDiffLine> ByType,
    IReadOnlyList<AuditDiffLine> ByActorAndType,
    IReadOnlyList<AuditDiffLine> ByHour)
{
    /// <summary>How many lines each breakdown has at most.</summary>
    public const int MostLines = 1_000;
}

public sealed partial class AuditTrail
{
    /// <summary>
    /// Says what changed between two positions, by actor, by kind and by hour, of everybody or of one actor, so that one finds when,
    /// by whom and by what damage began. Counts only what the trail has told so far.
    /// </summary>
    /// <param name="database">Where the trail stands.</param>
    /// <param name="after">After this position.</param>
    /// <param name="upTo">Up to this one.</param>
    /// <param name="actor">Only what this actor did; null for everybody.</param>
    /// <param name="type">Only events of this stored name; null for all.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task<AuditDiff> Diff(
        NpgsqlDataSource database, long after, long upTo, string? actor, string? type, CancellationToken ct)
    {
        var lines = new List<AuditDiffLine>[] { [], [], [], [] };
        var (events, streams) = (0L, 0L);
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("select set_config('plan_cache_mode', 'force_custom_plan', true)"),
                DiffIn(after, upTo, actor, type),
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(ct);
        await reader.NextResultAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            // grouping(): a bit for each of actor, type and hour that the line is not by.
            switch (reader.GetInt32(0))
            {
                case 0b111:
                    (events, streams) = (reader.GetInt64(4), reader.GetInt64(5));
                    break;
                case 0b011:
                    Take(lines[0], reader);
                    break;
                case 0b101:
                    Take(lines[1], reader);
                    break;
                case 0b001:
                    Take(lines[2], reader);
                    break;
                default:
                    Take(lines[3], reader);
                    break;
            }
        }

        lines[3].Sort(static (one, other) => Nullable.Compare(one.Hour, other.Hour));
        return new AuditDiff(after, upTo, events, streams, lines[0], lines[1], lines[2], lines[3]);
    }

    /// <summary>The position up to which the trail tells everything; 0 before its first build.</summary>
    public static async Task<long> Told(NpgsqlDataSource database, CancellationToken ct)
    {
        await using var find = database.CreateCommand("select position from crm.projections where name = 'audit_trail'");
        return await find.ExecuteScalarAsync(ct) is long position ? position : 0;
    }

    /// <summary>The statement; goes by the index on position, or on actor or type and position.</summary>
    internal static NpgsqlBatchCommand DiffIn(long after, long upTo, string? actor, string? type)
    {
        var select = new NpgsqlBatchCommand
        {
            Parameters =
            {
                new NpgsqlParameter<long> { TypedValue = after },
                new NpgsqlParameter<long> { TypedValue = upTo },
            },
        };
        var conditions = "position > $1 and position <= $2";
        foreach (var (column, value) in new[] { ("actor", actor), ("type", type) })
        {
            if (value is not null)
            {
                select.Parameters.Add(new NpgsqlParameter { Value = value, NpgsqlDbType = NpgsqlDbType.Text });
                conditions += $" and {column} = ${select.Parameters.Count}";
            }
        }

        select.CommandText =
            $"""
            select grouping(actor, type, hour), actor, type, hour, count(*), count(distinct stream_id),
                min(position), min(recorded_at), max(recorded_at)
            from (select position, stream_id, actor, type, recorded_at, date_trunc('hour', recorded_at, 'UTC') as hour
                  from crm_read.audit_trail where {conditions}) e
            group by grouping sets ((), (actor), (type), (actor, type), (hour))
            order by count(*) desc, min(position)
            """;
        return select;
    }

    private static void Take(List<AuditDiffLine> lines, NpgsqlDataReader reader)
    {
        if (lines.Count == AuditDiff.MostLines)
        {
            return;
        }

        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
        lines.Add(new AuditDiffLine(
            Text(1), Text(2), reader.IsDBNull(3) ? null : reader.GetFieldValue<DateTimeOffset>(3), reader.GetInt64(4), reader.GetInt64(5),
            reader.GetInt64(6), reader.GetFieldValue<DateTimeOffset>(7), reader.GetFieldValue<DateTimeOffset>(8)));
    }
}

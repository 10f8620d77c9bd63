using System.Security.Cryptography;
using System.Text;
using Npgsql;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>Which events of the audit trail.</summary>
public sealed record AuditQuery
{
    /// <summary>Only what this actor did.</summary>
    public string? Actor { get; init; }

    /// <summary>Only events of this stored name.</summary>
    public string? Type { get; init; }

    /// <summary>Only events of this stream.</summary>
    public Guid? StreamId { get; init; }

    /// <summary>Only what happened at this time or later.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Only what happened at this time or before it.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>Only what was part of this operation.</summary>
    public string? OperationId { get; init; }

    /// <summary>How many events a page holds, 1–200.</summary>
    public int Limit { get; init; } = 25;

    /// <summary>Where the page goes on; null for the first.</summary>
    public string? Cursor { get; init; }

    internal byte[] Fingerprint() => SHA256.HashData(Encoding.UTF8.GetBytes(
        string.Join('\n', new[] { Actor, Type, StreamId?.ToString("D"), $"{From?.UtcTicks}", $"{To?.UtcTicks}", OperationId }
            .Select(part => part is null ? "-" : $"{part.Length}:{part}"))))[..8];
}

/// <summary>A page of the audit trail, newest first.</summary>
/// <param name="Items">The events.</param>
/// <param name="NextCursor">Where the next page goes on; null after the last.</param>
public sealed record AuditPage(IReadOnlyList<AuditEntry> Items, string? NextCursor);

public sealed partial class AuditTrail
{
    private const string ColumnList =
        "position, stream_id, stream_type, version, type, at, recorded_at, actor, on_behalf_of, reason, operation_id, correlation_id, "
        + "causation_id, api_key_id, changes, is_erased";

    /// <summary>A page of the audit trail, newest first.</summary>
    /// <exception cref="BadCursorException">The cursor is none, or belongs to another query.</exception>
    public static async Task<AuditPage> Page(NpgsqlDataSource database, AuditQuery query, CancellationToken ct)
    {
        var fingerprint = query.Fingerprint();
        var limit = Math.Clamp(query.Limit, 1, LeadQuery.MostPerPage);
        var select = new NpgsqlBatchCommand();
        var conditions = Conditions(select, query, fingerprint);
        select.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit + 1 });
        select.CommandText =
            $"select {ColumnList} from crm_read.audit_trail where {conditions} order by position desc limit ${select.Parameters.Count}";
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands = { new NpgsqlBatchCommand("select set_config('plan_cache_mode', 'force_custom_plan', true)"), select },
        };
        await using var reader = await batch.ExecuteReaderAsync(ct);
        await reader.NextResultAsync(ct);
        var entries = new List<AuditEntry>(limit + 1);
        while (await reader.ReadAsync(ct))
        {
            entries.Add(Read(reader));
        }

        if (entries.Count <= limit)
        {
            return new AuditPage(entries, null);
        }

        entries.RemoveAt(limit);
        return new AuditPage(entries, new Cursor("", $"{entries[^1].Position}").Write(fingerprint));
    }

    private static string Conditions(NpgsqlBatchCommand command, AuditQuery query, byte[] fingerprint)
    {
        var conditions = new List<string> { "true" };
        void Where<T>(T? value, string condition, NpgsqlDbType type)
        {
            if (value is { } given)
            {
                command.Parameters.Add(new NpgsqlParameter { Value = given, NpgsqlDbType = type });
                conditions.Add($"{condition} ${command.Parameters.Count}");
            }
        }

        Where(query.Actor, "actor =", NpgsqlDbType.Text);
        Where(query.Type, "type =", NpgsqlDbType.Text);
        Where(query.StreamId, "stream_id =", NpgsqlDbType.Uuid);
        Where(query.From is { } from ? Times.ToMicroseconds(from) : (DateTimeOffset?)null, "at >=", NpgsqlDbType.TimestampTz);
        Where(query.To is { } to ? Times.ToMicroseconds(to) : (DateTimeOffset?)null, "at <=", NpgsqlDbType.TimestampTz);
        Where(query.OperationId, "operation_id =", NpgsqlDbType.Text);
        if (query.Cursor is not null)
        {
            Where((long?)Cursor.Parse<long>(Cursor.Read(query.Cursor, fingerprint).Id), "position <", NpgsqlDbType.Bigint);
        }

        return string.Join(" and ", conditions);
    }

    private static AuditEntry Read(NpgsqlDataReader reader)
    {
        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
        return new AuditEntry(
            reader.GetInt64(0),
            reader.GetGuid(1),
            reader.GetString(2),
            reader.GetInt64(3),
            reader.GetString(4),
            reader.GetFieldValue<DateTimeOffset>(5),
            reader.GetFieldValue<DateTimeOffset>(6),
            Text(7),
            Text(8),
            Text(9),
            Text(10),
            Text(11),
            Text(12),
            Text(13),
            reader.GetString(14),
            reader.GetBoolean(15));
    }
}

using Crm.EventStore.Log;
using Npgsql;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>Whose deeds are looked for: an actor's, an API key's, those of one request or operation; what is given must all hold.</summary>
public sealed record AuditSelection
{
    /// <summary>Who did it.</summary>
    public string? Actor { get; init; }

    /// <summary>By which API key.</summary>
    public string? ApiKeyId { get; init; }

    /// <summary>As part of what request or workflow.</summary>
    public string? CorrelationId { get; init; }

    /// <summary>As part of what bulk operation, import or undo.</summary>
    public string? OperationId { get; init; }

    /// <summary>Only events after this position.</summary>
    public long After { get; init; }

    /// <summary>Only events up to this position.</summary>
    public long UpTo { get; init; } = long.MaxValue;

    /// <summary>Whether it names anybody at all.</summary>
    public bool IsEmpty => (Actor ?? ApiKeyId ?? CorrelationId ?? OperationId) is null;

    internal bool Holds(RecordedEvent recorded) =>
        recorded.Position > After && recorded.Position <= UpTo
        && (Actor is null || recorded.Envelope.Actor == Actor)
        && (ApiKeyId is null || recorded.Envelope.ApiKeyId == ApiKeyId)
        && (CorrelationId is null || recorded.Envelope.CorrelationId == CorrelationId)
        && (OperationId is null || recorded.Envelope.OperationId == OperationId);
}

/// <summary>An event that a selection found.</summary>
/// <param name="Position">Its place in the log.</param>
/// <param name="StreamId">Its stream.</param>
/// <param name="StreamType">The stream's type, such as <c>lead</c>.</param>
public sealed record SelectedEvent(long Position, Guid StreamId, string StreamType);

public sealed partial class AuditTrail
{
    private const int SelectAtOnce = 10_000;

    /// <summary>
    /// Finds all of somebody's events, in order: by the trail's indexes as far as the trail has come, and beyond it in the log itself, so
    /// that a trail that lags behind, or is not there yet, hides nothing.
    /// </summary>
    /// <exception cref="ArgumentException">The selection names nobody.</exception>
    public static async Task<IReadOnlyList<SelectedEvent>> Select(
        NpgsqlDataSource database, EventLog log, AuditSelection selection, CancellationToken ct)
    {
        if (selection.IsEmpty)
        {
            throw new ArgumentException("A selection that names nobody would find everything.", nameof(selection));
        }

        var found = new List<SelectedEvent>();
        var (covered, parked) = await Covered(database, ct);
        if (covered > selection.After)
        {
            await InTrail(database, selection with { UpTo = Math.Min(selection.UpTo, covered) }, found, ct);
        }

        foreach (var (stream, from) in parked)
        {
            // What stands behind an event that the trail could not tell is not in it.
            var queued = (await log.ReadStreamAsStored(stream, ct))
                .Where(recorded => recorded.Position >= from && recorded.Position <= covered);
            found.AddRange(queued.Where(selection.Holds).Select(recorded => Found(recorded, log.Catalog)));
        }

        await InLog(log, selection with { After = Math.Max(selection.After, covered) }, found, ct);
        found.Sort(static (one, other) => one.Position.CompareTo(other.Position));
        return found;
    }

    /// <summary>The statement that looks into the trail; goes by an index on what is selected and the position.</summary>
    internal static NpgsqlBatchCommand SelectIn(AuditSelection selection)
    {
        var select = new NpgsqlBatchCommand();
        var conditions = new List<string>();
        void Where(object? value, string condition, NpgsqlDbType type)
        {
            if (value is not null)
            {
                select.Parameters.Add(new NpgsqlParameter { Value = value, NpgsqlDbType = type });
                conditions.Add($"{condition} ${select.Parameters.Count}");
            }
        }

        Where(selection.Actor, "actor =", NpgsqlDbType.Text);
        Where(selection.ApiKeyId, "api_key_id =", NpgsqlDbType.Text);
        Where(selection.CorrelationId, "correlation_id =", NpgsqlDbType.Text);
        Where(selection.OperationId, "operation_id =", NpgsqlDbType.Text);
        Where(selection.After, "position >", NpgsqlDbType.Bigint);
        Where(selection.UpTo, "position <=", NpgsqlDbType.Bigint);
        select.CommandText =
            $"select position, stream_id, stream_type from crm_read.audit_trail where {string.Join(" and ", conditions)} "
            + $"order by position limit {SelectAtOnce}";
        return select;
    }

    private static async Task InTrail(NpgsqlDataSource database, AuditSelection selection, List<SelectedEvent> found, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        int read;
        do
        {
            await using var batch = new NpgsqlBatch(connection)
            {
                BatchCommands =
                {
                    new NpgsqlBatchCommand("select set_config('plan_cache_mode', 'force_custom_plan', true)"),
                    SelectIn(selection),
                },
            };
            await using var reader = await batch.ExecuteReaderAsync(ct);
            await reader.NextResultAsync(ct);
            for (read = 0; await reader.ReadAsync(ct); read++)
            {
                found.Add(new SelectedEvent(reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2)));
            }

            selection = selection with { After = read == 0 ? selection.After : found[^1].Position };
        }
        while (read == SelectAtOnce);
    }

    private static async Task InLog(EventLog log, AuditSelection selection, List<SelectedEvent> found, CancellationToken ct)
    {
        var after = selection.After;
        while (after < selection.UpTo && await log.ReadAfter(after, SelectAtOnce, ct) is [.., var last] page)
        {
            found.AddRange(page.Where(selection.Holds).Select(recorded => Found(recorded, log.Catalog)));
            after = last.Position;
        }
    }

    private static SelectedEvent Found(RecordedEvent recorded, EventCatalog catalog) => new(
        recorded.Position,
        recorded.StreamId,
        recorded.Data is UnreadableEvent ? "unreadable" : catalog.Of(recorded.Data).StreamType);

    private static async Task<(long Position, List<(Guid Stream, long From)> Parked)> Covered(
        NpgsqlDataSource database, CancellationToken ct)
    {
        await using var find = database.CreateCommand(
            """
            select p.position, k.stream_id, k.position from crm.projections p
            left join crm.parked k on k.projection = p.name where p.name = 'audit_trail'
            """);
        await using var reader = await find.ExecuteReaderAsync(ct);
        var parked = new List<(Guid, long)>();
        var position = 0L;
        while (await reader.ReadAsync(ct))
        {
            position = reader.GetInt64(0);
            if (!await reader.IsDBNullAsync(1, ct))
            {
                parked.Add((reader.GetGuid(1), reader.GetInt64(2)));
            }
        }

        return (position, parked);
    }
}

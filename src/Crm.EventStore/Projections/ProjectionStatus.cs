using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>How a projection stands.</summary>
/// <param name="Name">The projection.</param>
/// <param name="Revision">The revision of its live build.</param>
/// <param name="Build">The live build.</param>
/// <param name="Position">The position up to which its tables hold everything.</param>
/// <param name="Lag">How many events of the log are not in its tables yet.</param>
/// <param name="EventsPerSecond">How fast it last worked; 0 when idle.</param>
/// <param name="Holder">The host that works on it (machine/process); null when none does.</param>
/// <param name="ParkedStreams">How many streams it could not apply.</param>
/// <param name="Error">Why it stands still; null when it does not.</param>
/// <param name="UpdatedAt">When its checkpoint last moved or was renewed.</param>
public sealed record ProjectionStatus(
    string Name,
    int Revision,
    long Build,
    long Position,
    long Lag,
    double EventsPerSecond,
    string? Holder,
    long ParkedStreams,
    string? Error,
    DateTimeOffset UpdatedAt)
{
    /// <summary>All projections, by name.</summary>
    public static async Task<IReadOnlyList<ProjectionStatus>> List(NpgsqlDataSource database, CancellationToken ct)
    {
        await using var list = database.CreateCommand(
            """
            select p.name, p.revision, p.build, p.position, greatest(c.position - p.position, 0), p.events_per_second,
                   case when p.lease_until >= clock_timestamp() then p.holder_name end,
                   (select count(*) from crm.parked k where k.projection = p.name), p.error, p.updated_at
            from crm.projections p cross join crm.log_counter c order by p.name
            """);
        var all = new List<ProjectionStatus>();
        await using var reader = await list.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            all.Add(new ProjectionStatus(
                reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), Math.Round(reader.GetDouble(5), 1),
                await reader.IsDBNullAsync(6, ct) ? null : reader.GetString(6), reader.GetInt64(7),
                await reader.IsDBNullAsync(8, ct) ? null : reader.GetString(8), reader.GetFieldValue<DateTimeOffset>(9)));
        }

        return all;
    }
}

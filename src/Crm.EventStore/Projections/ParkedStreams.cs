using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>A stream that a projection could not apply further.</summary>
/// <param name="Id">Its number, for a retry.</param>
/// <param name="Projection">The projection.</param>
/// <param name="StreamId">The stream.</param>
/// <param name="Position">The event that failed; later ones of the stream queue behind it.</param>
/// <param name="Error">Why.</param>
/// <param name="Attempts">How often it has been tried.</param>
/// <param name="Queued">How many events of the stream wait, the failed one included.</param>
/// <param name="ParkedAt">Since when.</param>
/// <param name="LastTriedAt">When it was last retried; null when never.</param>
public sealed record Parked(
    long Id, string Projection, Guid StreamId, long Position, string Error, int Attempts, long Queued, DateTimeOffset ParkedAt, DateTimeOffset? LastTriedAt);

/// <summary>What a retry came to.</summary>
/// <param name="Applied">How many queued events were applied, in order.</param>
/// <param name="Still">Where the stream is parked now; null when its queue is empty.</param>
public sealed record RetryOutcome(int Applied, ParkedStream? Still);

/// <summary>What projections could not apply: to be looked at, and retried once the cause is gone.</summary>
public sealed class ParkedStreams(NpgsqlDataSource database, EventLog log, IReadOnlyList<Projection> projections)
{
    /// <summary>The parked streams, the longest parked first, at most so many.</summary>
    public async Task<IReadOnlyList<Parked>> List(int limit, CancellationToken ct)
    {
        await using var list = database.CreateCommand(
            """
            select p.id, p.projection, p.stream_id, p.position, p.error, p.attempts,
                   (select count(*) from crm.mt_events e where e.stream_id = p.stream_id and e.seq_id >= p.position),
                   p.parked_at, p.last_tried_at
            from crm.parked p order by p.id limit $1
            """);
        list.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var parked = new List<Parked>();
        await using var reader = await list.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            parked.Add(new Parked(
                reader.GetInt64(0), reader.GetString(1), reader.GetGuid(2), reader.GetInt64(3), reader.GetString(4), reader.GetInt32(5),
                reader.GetInt64(6), reader.GetFieldValue<DateTimeOffset>(7),
                await reader.IsDBNullAsync(8, ct) ? null : reader.GetFieldValue<DateTimeOffset>(8)));
        }

        return parked;
    }

    /// <summary>
    /// Applies a parked stream's queue in order, as far as it goes. The projection's row is held meanwhile, and its epoch bumped, so
    /// that the live runner goes on from exactly what this leaves.
    /// </summary>
    /// <returns>Null when nothing is parked under this number.</returns>
    public async Task<RetryOutcome?> Retry(long id, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        if (await Find(connection, id, ct) is not var (name, stream, _))
        {
            return null;
        }

        var projection = projections.FirstOrDefault(each => each.Name == name);
        if (projection is null)
        {
            return null;
        }

        await using var transaction = await connection.BeginTransactionAsync(ct);
        var checkpoint = await Checkpoints.Find(connection, name, ct, forUpdate: true);
        if (checkpoint is null || await Find(connection, id, ct) is not var (_, _, from))
        {
            return null;
        }

        var queue = (await log.ReadStreamAsStored(stream, ct)).Where(each => each.Position >= from && each.Position <= checkpoint.Position).ToList();
        var others = new HashSet<Guid>();
        var failed = (await projection.OfBuild(checkpoint.Build).Apply(connection, queue, others, log, ct)).Parked;
        var still = failed is [] ? null : failed[0];
        await Bump(connection, name, id, still, ct);
        await Checkpoints.Park(connection, name, failed, ct);
        await transaction.CommitAsync(ct);
        return new RetryOutcome(queue.Count(each => still is null || each.Position < still.Position), still);
    }

    private static async Task<(string Projection, Guid Stream, long Position)?> Find(NpgsqlConnection connection, long id, CancellationToken ct)
    {
        await using var find = new NpgsqlCommand("select projection, stream_id, position from crm.parked where id = $1", connection)
        {
            Parameters = { new NpgsqlParameter<long> { TypedValue = id } },
        };
        await using var reader = await find.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? (reader.GetString(0), reader.GetGuid(1), reader.GetInt64(2)) : null;
    }

    private static async Task Bump(NpgsqlConnection connection, string name, long id, ParkedStream? still, CancellationToken ct)
    {
        await using var bump = new NpgsqlCommand("update crm.projections set epoch = epoch + 1 where name = $1", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = name } },
        };
        await bump.ExecuteNonQueryAsync(ct);
        if (still is null)
        {
            await using var unpark = new NpgsqlCommand("delete from crm.parked where id = $1", connection)
            {
                Parameters = { new NpgsqlParameter<long> { TypedValue = id } },
            };
            await unpark.ExecuteNonQueryAsync(ct);
        }
    }
}

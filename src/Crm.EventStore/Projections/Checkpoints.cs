using Npgsql;
using NpgsqlTypes;

namespace Crm.EventStore.Projections;

/// <summary>How far a projection has come, and under which lease.</summary>
/// <param name="Name">The projection.</param>
/// <param name="Revision">The revision of the fold that its tables were made by.</param>
/// <param name="Build">The build that is live.</param>
/// <param name="Position">The log's position up to which everything is in the tables.</param>
/// <param name="Epoch">Counts the changes of hands: a writer with an older epoch cannot write.</param>
internal sealed record Checkpoint(string Name, int Revision, long Build, long Position, long Epoch);

/// <summary>This host no longer holds the projection's lease, or somebody moved its checkpoint: nothing of the batch was written.</summary>
internal sealed class LeaseLostException(string projection) : Exception($"The lease of projection {projection} was lost.");

/// <summary>The checkpoints and leases of projections in <c>crm.projections</c>. All times are the server's.</summary>
internal static class Checkpoints
{
    /// <summary>How long a lease holds without renewal, in seconds: a killed host's projections are taken over within 10 s.</summary>
    public const double LeaseSeconds = 6;

    private const string Columns = "name, revision, build, position, epoch";

    /// <summary>The checkpoint as it stands, whoever holds it; null before the projection's first build.</summary>
    public static async Task<Checkpoint?> Find(NpgsqlConnection connection, string name, CancellationToken ct, bool forUpdate = false)
    {
        await using var find = new NpgsqlCommand($"select {Columns} from crm.projections where name = $1{(forUpdate ? " for update" : "")}", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = name } },
        };
        return await ReadOne(find, ct);
    }

    /// <summary>Takes the lease when it is free, has run out or is ours; null otherwise, and where the live build is of another revision.</summary>
    public static async Task<Checkpoint?> TryAcquire(
        NpgsqlConnection connection, string name, int revision, Guid holder, string holderName, CancellationToken ct)
    {
        await using var acquire = new NpgsqlCommand(
            $"""
            update crm.projections
            set holder = $3, holder_name = $4, epoch = epoch + 1, lease_until = clock_timestamp() + make_interval(secs => $5)
            where name = $1 and revision = $2 and (holder is null or holder = $3 or lease_until < clock_timestamp())
            returning {Columns}
            """,
            connection)
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = name },
                new NpgsqlParameter<int> { TypedValue = revision },
                new NpgsqlParameter<Guid> { TypedValue = holder },
                new NpgsqlParameter<string> { TypedValue = holderName },
                new NpgsqlParameter<double> { TypedValue = LeaseSeconds },
            },
        };
        return await ReadOne(acquire, ct);
    }

    /// <summary>
    /// Moves the checkpoint on, as the transaction's first write: a compare-and-set with the lease's epoch, which also locks the row.
    /// Whoever changes what is parked bumps the epoch, so that the parked streams read here are never out of date.
    /// </summary>
    /// <returns>The streams that are parked.</returns>
    public static async Task<HashSet<Guid>> Advance(
        NpgsqlConnection connection, Checkpoint checkpoint, Guid holder, long to, double eventsPerSecond, CancellationToken ct)
    {
        await using var advance = new NpgsqlCommand(
            """
            update crm.projections
            set position = $6, events_per_second = $7, error = null, updated_at = clock_timestamp(),
                lease_until = clock_timestamp() + make_interval(secs => $8)
            where name = $1 and holder = $2 and epoch = $3 and build = $4 and position = $5
            returning array(select stream_id from crm.parked where projection = $1)
            """,
            connection)
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = checkpoint.Name },
                new NpgsqlParameter<Guid> { TypedValue = holder },
                new NpgsqlParameter<long> { TypedValue = checkpoint.Epoch },
                new NpgsqlParameter<long> { TypedValue = checkpoint.Build },
                new NpgsqlParameter<long> { TypedValue = checkpoint.Position },
                new NpgsqlParameter<long> { TypedValue = to },
                new NpgsqlParameter<double> { TypedValue = eventsPerSecond },
                new NpgsqlParameter<double> { TypedValue = LeaseSeconds },
            },
        };
        return await advance.ExecuteScalarAsync(ct) is Guid[] parked ? [.. parked] : throw new LeaseLostException(checkpoint.Name);
    }

    /// <summary>Gives the lease back, so that another host need not wait for it to run out.</summary>
    public static async Task Release(NpgsqlConnection connection, string name, Guid holder, CancellationToken ct)
    {
        await using var release = new NpgsqlCommand(
            "update crm.projections set holder = null, holder_name = null, lease_until = null, events_per_second = 0 where name = $1 and holder = $2",
            connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = name }, new NpgsqlParameter<Guid> { TypedValue = holder } },
        };
        await release.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Says why a projection stands still; cleared by its next batch.</summary>
    public static async Task Fail(NpgsqlConnection connection, string name, string error, CancellationToken ct)
    {
        await using var fail = new NpgsqlCommand("update crm.projections set error = $2, updated_at = clock_timestamp() where name = $1", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = name }, new NpgsqlParameter<string> { TypedValue = error } },
        };
        await fail.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Parks streams for a projection; a stream that is parked already keeps its place in the queue and counts one more attempt.</summary>
    public static async Task Park(NpgsqlConnection connection, string name, IReadOnlyList<ParkedStream> parked, CancellationToken ct)
    {
        foreach (var stream in parked)
        {
            await using var park = new NpgsqlCommand(
                """
                insert into crm.parked as p (projection, stream_id, position, error) values ($1, $2, $3, $4)
                on conflict (projection, stream_id) do update
                set position = excluded.position, error = excluded.error, attempts = p.attempts + 1, last_tried_at = clock_timestamp()
                """,
                connection)
            {
                Parameters =
                {
                    new NpgsqlParameter<string> { TypedValue = name },
                    new NpgsqlParameter<Guid> { TypedValue = stream.StreamId },
                    new NpgsqlParameter<long> { TypedValue = stream.Position },
                    new NpgsqlParameter<string> { TypedValue = stream.Error.Replace("\0", "\\0", StringComparison.Ordinal) },
                },
            };
            await park.ExecuteNonQueryAsync(ct);
        }
    }

    /// <summary>Takes streams back from what is parked.</summary>
    public static async Task Unpark(NpgsqlConnection connection, string name, Guid[] streams, CancellationToken ct)
    {
        await using var unpark = new NpgsqlCommand("delete from crm.parked where projection = $1 and stream_id = any($2)", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = name }, new NpgsqlParameter<Guid[]> { TypedValue = streams } },
        };
        await unpark.ExecuteNonQueryAsync(ct);
    }

    /// <summary>Says that this host is alive, and counts the hosts that are: what an even share of the projections is.</summary>
    public static async Task<int> Heartbeat(NpgsqlConnection connection, Guid holder, string holderName, CancellationToken ct)
    {
        await using var beat = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(
                    """
                    insert into crm.nodes (holder, holder_name, seen_until) values ($1, $2, clock_timestamp() + make_interval(secs => $3))
                    on conflict (holder) do update set seen_until = excluded.seen_until
                    """)
                {
                    Parameters =
                    {
                        new NpgsqlParameter { Value = holder },
                        new NpgsqlParameter { Value = holderName },
                        new NpgsqlParameter { Value = LeaseSeconds, NpgsqlDbType = NpgsqlDbType.Double },
                    },
                },
                new NpgsqlBatchCommand("delete from crm.nodes where seen_until < clock_timestamp() - interval '1 hour'"),
                new NpgsqlBatchCommand("select count(*)::int from crm.nodes where seen_until >= clock_timestamp()"),
            },
        };
        await using var reader = await beat.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? reader.GetInt32(0) : 1;
    }

    /// <summary>Says that this host is leaving.</summary>
    public static async Task Leave(NpgsqlConnection connection, Guid holder, CancellationToken ct)
    {
        await using var leave = new NpgsqlCommand("delete from crm.nodes where holder = $1", connection)
        {
            Parameters = { new NpgsqlParameter<Guid> { TypedValue = holder } },
        };
        await leave.ExecuteNonQueryAsync(ct);
    }

    private static async Task<Checkpoint?> ReadOne(NpgsqlCommand command, CancellationToken ct)
    {
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct)
            ? new Checkpoint(reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4))
            : null;
    }
}

using Crm.EventStore.Log;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>The build of a projection that readers see, written to under a lease.</summary>
/// <param name="connection">The connection that everything is written by.</param>
/// <param name="build">The build.</param>
/// <param name="log">Where a stream that is rewritten is read anew.</param>
/// <param name="holder">Who holds the lease.</param>
/// <param name="logger">Told of streams that are parked.</param>
internal sealed partial class LiveBuild(NpgsqlConnection connection, ProjectionBuild build, EventLog log, Guid holder, ILogger logger)
{
    /// <summary>Applies a batch and moves the checkpoint on, in one transaction.</summary>
    /// <exception cref="LeaseLostException">The lease is another host's now; nothing was written.</exception>
    public async Task<Checkpoint> Apply(Checkpoint checkpoint, IReadOnlyList<RecordedEvent> batch, double rate, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var parked = await Checkpoints.Advance(connection, checkpoint, holder, batch[^1].Position, rate, ct);
        var applied = await build.Apply(connection, batch, parked, log, ct);
        if (applied.Rewritten is { Count: > 0 } rewritten)
        {
            await OtherBuilds.Forget(connection, build, [.. rewritten], ct);
            await Checkpoints.Unpark(connection, checkpoint.Name, [.. rewritten], ct);
        }

        await Checkpoints.Park(connection, checkpoint.Name, applied.Parked, ct);
        await transaction.CommitAsync(ct);
        foreach (var stream in applied.Parked)
        {
            LogParked(checkpoint.Name, stream.StreamId, stream.Position, stream.Error);
        }

        return checkpoint with { Position = batch[^1].Position };
    }

    /// <summary>A batch with a row that PostgreSQL refuses goes on event by event, so that only that event's stream is parked.</summary>
    public async Task<Checkpoint> ApplyOneByOne(Checkpoint checkpoint, IReadOnlyList<RecordedEvent> batch, CancellationToken ct)
    {
        foreach (var recorded in batch)
        {
            try
            {
                checkpoint = await Apply(checkpoint, [recorded], rate: 0, ct);
            }
            catch (PostgresException refused) when (IsData(refused))
            {
                await using var transaction = await connection.BeginTransactionAsync(ct);
                await Checkpoints.Advance(connection, checkpoint, holder, recorded.Position, 0, ct);
                if (build.Projection.Rewrites(recorded.Data))
                {
                    // What stood there must go whatever else goes wrong; a retry folds the stream anew from its beginning.
                    await build.Forget(connection, [recorded.StreamId], ct);
                    await OtherBuilds.Forget(connection, build, [recorded.StreamId], ct);
                }

                var error = ParkedStream.Because(refused);
                await Checkpoints.Park(connection, checkpoint.Name, [new ParkedStream(recorded.StreamId, recorded.Position, error)], ct);
                await transaction.CommitAsync(ct);
                LogParked(checkpoint.Name, recorded.StreamId, recorded.Position, error);
                checkpoint = checkpoint with { Position = recorded.Position };
            }
        }

        return checkpoint;
    }

    /// <summary>Whether it is the data that PostgreSQL refuses (classes 22, 23 and 54), which no repetition changes.</summary>
    public static bool IsData(PostgresException refused) => refused.SqlState[..2] is "22" or "23" or "54";

    [LoggerMessage(LogLevel.Error, "{Projection} parked stream {Stream} at position {Position}: {Error}")]
    private partial void LogParked(string projection, Guid stream, long position, string error);
}

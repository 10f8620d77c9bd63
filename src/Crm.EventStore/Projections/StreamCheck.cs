using System.Data;
using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>
/// Compares the read models' rows of single streams with a fold of what the log gives of them now: each row, in both directions. What has
/// been erased from the log thus shows wherever it still stood.
/// </summary>
/// <param name="database">Where log and read models stand, in the role that owns the read models.</param>
/// <param name="log">The log.</param>
/// <param name="projections">The projections to look at.</param>
public sealed class StreamCheck(NpgsqlDataSource database, EventLog log, IReadOnlyList<Projection> projections)
{
    /// <summary>How every projection stands for a stream. Nothing is changed.</summary>
    public async Task<IReadOnlyList<StreamModel>> Of(Guid stream, CancellationToken ct)
    {
        var models = new List<StreamModel>(projections.Count);
        foreach (var projection in projections)
        {
            models.Add(await Of(projection, stream, ct));
        }

        return models;
    }

    private async Task<StreamModel> Of(Projection projection, Guid stream, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);

        // One moment for checkpoint and rows; the history may be read later, since it only grows, and reads as it reads now.
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        if (await Checkpoints.Find(connection, projection.Name, ct) is not { } checkpoint || checkpoint.Revision != projection.Revision)
        {
            return new StreamModel(projection.Name, 0, [], ParkedAt: null, RowsElsewhere: 0);
        }

        var parked = await ParkedAt(connection, projection.Name, stream, ct);
        var history = (await log.ReadStreamAsStored(stream, ct)).Where(recorded => recorded.Position <= checkpoint.Position).ToList();
        var build = projection.OfBuild(checkpoint.Build);
        var tables = await build.Compare(connection, stream, history, ct);
        return new StreamModel(
            projection.Name, checkpoint.Position, tables, parked, await OtherBuilds.CountRows(connection, build, stream, ct));
    }

    private static async Task<long?> ParkedAt(NpgsqlConnection connection, string projection, Guid stream, CancellationToken ct)
    {
        await using var find = new NpgsqlCommand("select position from crm.parked where projection = $1 and stream_id = $2", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = projection }, new NpgsqlParameter<Guid> { TypedValue = stream } },
        };
        return (long?)await find.ExecuteScalarAsync(ct);
    }
}

using System.Data;
using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>What the comparison of a sample came to.</summary>
/// <param name="Compared">How many streams were compared.</param>
/// <param name="Differing">The streams of which the read model shows something else than the log makes of them.</param>
public sealed record SampleResult(int Compared, IReadOnlyCollection<Guid> Differing);

/// <summary>
/// Compares what read models show of some streams with what the log makes of them anew, and of some days what their totals show with what
/// the entries add up to. Reads one snapshot and blocks nobody.
/// </summary>
public sealed class SampleCheck(NpgsqlDataSource database, EventLog log)
{
    /// <summary>Compares one read model.</summary>
    /// <returns>Null where it has no live build of its revision.</returns>
    public async Task<SampleResult?> Compare(Projection projection, IReadOnlyCollection<Guid> streams, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var snapshot = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        var live = await Checkpoints.Find(connection, projection.Name, ct);
        if (live is null || live.Revision != projection.Revision)
        {
            return null;
        }

        var compared = streams.Except(await Parked(connection, projection.Name, ct)).ToArray();

        // The log never changes behind a position, so it need not be of the same snapshot.
        var events = (await log.ReadStreamsAsStored(compared, ct)).Where(recorded => recorded.Position <= live.Position).ToList();

        events.Sort(static (one, other) => one.Position.CompareTo(other.Position));
        var differing = await projection.Differing(connection, live.Build, events, compared, ct);
        await snapshot.RollbackAsync(ct);
        return new SampleResult(compared.Length, differing);
    }

    /// <summary>Compares the totals of one read model with its entries, which <see cref="Compare"/> compares with the log.</summary>
    /// <param name="projection">The read model.</param>
    /// <param name="positions">The positions of which the entries' days are the sample.</param>
    /// <param name="mostDays">How many days are added up at the most.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>Null where it keeps no totals, or has no live build of its revision.</returns>
    public async Task<TotalsResult?> CompareTotals(Projection projection, long[] positions, int mostDays, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);

        // Entries and totals are written in one transaction: at any snapshot the ones are the sum of the others.
        await using var snapshot = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        var live = await Checkpoints.Find(connection, projection.Name, ct);
        var result = live is null || live.Revision != projection.Revision
            ? null
            : await projection.DifferingTotals(connection, live.Build, positions, mostDays, ct);
        await snapshot.RollbackAsync(ct);
        return result;
    }

    private static async Task<HashSet<Guid>> Parked(NpgsqlConnection connection, string projection, CancellationToken ct)
    {
        await using var find = new NpgsqlCommand("select stream_id from crm.parked where projection = $1", connection);
        find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = projection });
        await using var reader = await find.ExecuteReaderAsync(ct);
        var parked = new HashSet<Guid>();
        while (await reader.ReadAsync(ct))
        {
            parked.Add(reader.GetGuid(0));
        }

        return parked;
    }
}

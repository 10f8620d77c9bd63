using System.Globalization;
using Crm.EventStore.Projections;
using Npgsql;

namespace Crm.Application.Recovery;

/// <summary>Compares the read models of a recovered database with those of its source, where both stand at the same position.</summary>
internal static class ReadModelCheck
{
    /// <summary>Counts every table, and compares it by count and digest where that can be done.</summary>
    /// <param name="source">The source.</param>
    /// <param name="recovered">The recovered database.</param>
    /// <param name="projections">The read models.</param>
    /// <param name="position">The position that was recovered.</param>
    /// <param name="goesBeyond">Whether the recovered log goes on beyond it: then they are counted only.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task<IReadOnlyList<RecoveredTable>> Compare(
        NpgsqlDataSource source, NpgsqlDataSource recovered, IReadOnlyList<Projection> projections, long position, bool goesBeyond,
        CancellationToken ct)
    {
        await using var there = await source.OpenConnectionAsync(ct);
        await using var here = await recovered.OpenConnectionAsync(ct);
        await LongWork.Prepare(there, position, ct);
        await LongWork.Prepare(here, position, ct);
        var tables = new List<RecoveredTable>();
        foreach (var projection in projections)
        {
            foreach (var name in projection.Tables)
            {
                var made = TableDigest.Of(here, $"crm_read.{name}", ct);
                var live = goesBeyond ? Task.FromResult<TableDigest?>(null) : Live(there, projection, name, position, ct);
                await Task.WhenAll(made, live);
                tables.Add(new RecoveredTable(name, (await made).Rows, await live is { } known ? known == await made : null));
            }
        }

        return tables;
    }

    /// <summary>What the source's table holds; null where it stands at another position, or is of another revision.</summary>
    private static async Task<TableDigest?> Live(
        NpgsqlConnection there, Projection projection, string name, long position, CancellationToken ct)
    {
        // Position and content are read from one snapshot: the source may be working on.
        await using var transaction = await there.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, ct);
        await using (var look = new NpgsqlCommand(
            "select count(*) from crm.projections where name = $1 and revision = $2 and position = $3", there))
        {
            look.Parameters.Add(new NpgsqlParameter<string> { TypedValue = projection.Name });
            look.Parameters.Add(new NpgsqlParameter<int> { TypedValue = projection.Revision });
            look.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position });
            if (Convert.ToInt64(await look.ExecuteScalarAsync(ct), CultureInfo.InvariantCulture) == 0)
            {
                return null;
            }
        }

        var live = await TableDigest.Of(there, $"crm_read.{name}", ct);
        await transaction.CommitAsync(ct);
        return live;
    }
}

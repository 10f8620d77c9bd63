using System.Globalization;
using Crm.EventStore.Projections;
using Npgsql;

namespace Crm.Application.Recovery;

/// <summary>Compares the read models of a recovered database with those of its source, where both stand at the same position.</summary>
internal static class ReadModelCheck
{
    /// <summary>Counts every table, and compares it by count and digest where that can be done.</summary>
    public static async Task<IReadOnlyList<RecoveredTable>> Compare(
        NpgsqlDataSource source, NpgsqlDataSource recovered, IReadOnlyList<Projection> projections, long position, CancellationToken ct)
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
                var made = await Rebuilder.Digest(here, $"crm_read.{name}", ct);
                tables.Add(new RecoveredTable(name, made.Rows, await Equal(there, projection, name, made, position, ct)));
            }
        }

        return tables;
    }

    private static async Task<bool?> Equal(
        NpgsqlConnection there, Projection projection, string name, (long Rows, decimal Digest) made, long position, CancellationToken ct)
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

        var live = await Rebuilder.Digest(there, $"crm_read.{name}", ct);
        await transaction.CommitAsync(ct);
        return live == made;
    }
}

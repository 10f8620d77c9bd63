using System.Globalization;
using Crm.EventStore.Audit;
using Crm.EventStore.LocalPostgres;
using Npgsql;

namespace Crm.Application.Drill;

/// <summary>What was done to a log, and what verification must say of it.</summary>
/// <param name="Says">What was done.</param>
/// <param name="Expected">What is then wrong.</param>
/// <param name="First">The first position that it concerns.</param>
internal sealed record Damage(string Says, FindingKind Expected, long First);

/// <summary>
/// Damages a throwaway log past the product, in the role that owns the tables: what no role that the product runs as may do.
/// </summary>
internal static class DamagedLog
{
    // Few, so that also a log of some dozen events has them in its middle.
    private const long RangeEvents = 5;

    /// <summary>Changes the content of one event.</summary>
    public static async Task<Damage> Corrupt(CrmDatabase database, CancellationToken ct)
    {
        var position = Math.Max(1, await Last(database, ct) / 2);
        await using var change = Owner(database).CreateCommand(
            "update crm.mt_events set data = data || jsonb_build_object('drill', true) where seq_id = $1");
        change.Parameters.Add(new NpgsqlParameter<long> { TypedValue = position });
        return await change.ExecuteNonQueryAsync(ct) == 1
            ? new Damage(string.Create(CultureInfo.InvariantCulture, $"Position {position} was changed."), FindingKind.Changed, position)
            : throw new DrillFailedException("No event could be changed.");
    }

    /// <summary>Deletes some events that follow each other.</summary>
    public static async Task<Damage> Delete(CrmDatabase database, CancellationToken ct)
    {
        var first = Math.Max(1, await Last(database, ct) / 3);
        await using var delete = Owner(database).CreateCommand("delete from crm.mt_events where seq_id >= $1 and seq_id < $2");
        delete.Parameters.Add(new NpgsqlParameter<long> { TypedValue = first });
        delete.Parameters.Add(new NpgsqlParameter<long> { TypedValue = first + RangeEvents });
        var deleted = await delete.ExecuteNonQueryAsync(ct);
        return deleted > 0
            ? new Damage(
                string.Create(CultureInfo.InvariantCulture, $"Positions {first} to {first + deleted - 1} were deleted."),
                FindingKind.Missing,
                first)
            : throw new DrillFailedException("No event could be deleted.");
    }

    private static NpgsqlDataSource Owner(CrmDatabase database) => database.Owner ?? database.App;

    private static async Task<long> Last(CrmDatabase database, CancellationToken ct)
    {
        await using var last = database.App.CreateCommand("select coalesce(max(seq_id), 0) from crm.mt_events");
        return Convert.ToInt64(await last.ExecuteScalarAsync(ct), CultureInfo.InvariantCulture);
    }
}

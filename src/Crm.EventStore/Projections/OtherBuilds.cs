using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>
/// The tables of a projection's builds that nobody reads any more: of the build before the live one, and of rebuilds that were interrupted.
/// Nobody keeps them in step with the log; so what must be forgotten is deleted from them too.
/// </summary>
internal static class OtherBuilds
{
    // Tables of all builds but the live one, with the plain name and whether it is the one before.
    private const string Sql =
        """
        select format('%I.%I', t.schemaname, t.tablename), regexp_replace(t.tablename, '_b\d+$', '')
        from pg_tables t
        cross join lateral (select substring(t.tablename from '_b(\d+)$')::bigint) as of(build)
        left join crm.projections p on p.name = $2
        where t.schemaname = 'crm_read' and t.tablename ~ '_b\d+$' and regexp_replace(t.tablename, '_b\d+$', '') = any($1)
            and of.build is distinct from $3 and (of.build = p.previous_build or not $4)
        """;

    /// <summary>
    /// Keeps rebuilds of a projection from beginning until the transaction ends, unless one is under way (then false): by the lock that a
    /// rebuild holds for as long as it lasts.
    /// </summary>
    public static async Task<bool> TryHold(NpgsqlConnection connection, string projection, CancellationToken ct)
    {
        await using var hold = new NpgsqlCommand("select pg_try_advisory_xact_lock(hashtextextended('crm.rebuild:' || $1, 0))", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = projection } },
        };
        return await hold.ExecuteScalarAsync(ct) is true;
    }

    /// <summary>
    /// Deletes the rows of streams from every build but the live one, inside the caller's transaction. Not from one that is being made: that
    /// follows the log and forgets by itself; only what was left behind before it is then at hand.
    /// </summary>
    public static async Task Forget(NpgsqlConnection connection, ProjectionBuild live, Guid[] streams, CancellationToken ct)
    {
        var onlyPrevious = !await TryHold(connection, live.Projection.Name, ct);
        var columns = live.TablesOfStreams.ToDictionary(static table => table.Name, static table => table.StreamColumn, StringComparer.Ordinal);
        foreach (var (physical, plain) in await List(connection, live.Projection, [.. columns.Keys], live.Build, onlyPrevious, ct))
        {
            await using var delete = new NpgsqlCommand($"delete from {physical} where {columns[plain]} = any($1)", connection)
            {
                Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = streams } },
            };
            await delete.ExecuteNonQueryAsync(ct);
        }
    }

    /// <summary>How many rows of a stream stand in builds that nobody reads.</summary>
    public static async Task<long> CountRows(NpgsqlConnection connection, ProjectionBuild live, Guid stream, CancellationToken ct)
    {
        var columns = live.TablesOfStreams.ToDictionary(static table => table.Name, static table => table.StreamColumn, StringComparer.Ordinal);
        var rows = 0L;
        foreach (var (physical, plain) in await List(connection, live.Projection, [.. columns.Keys], live.Build, onlyPrevious: false, ct))
        {
            await using var count = new NpgsqlCommand($"select count(*) from {physical} where {columns[plain]} = $1", connection)
            {
                Parameters = { new NpgsqlParameter<Guid> { TypedValue = stream } },
            };
            rows += (long)(await count.ExecuteScalarAsync(ct) ?? 0L);
        }

        return rows;
    }

    /// <summary>Drops them. The caller holds off other rebuilds of the projection.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="projection">The projection.</param>
    /// <param name="keepPrevious">Whether the build before the live one stays.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task Drop(NpgsqlConnection connection, Projection projection, bool keepPrevious, CancellationToken ct)
    {
        var live = (await Checkpoints.Find(connection, projection.Name, ct))?.Build ?? 0;
        var names = projection.OfBuild(0).Names;
        var kept = keepPrevious ? await List(connection, projection, names, live, onlyPrevious: true, ct) : [];
        foreach (var (physical, _) in (await List(connection, projection, names, live, onlyPrevious: false, ct)).Except(kept))
        {
            await using var drop = new NpgsqlCommand($"drop table if exists {physical}", connection) { CommandTimeout = 0 };
            await drop.ExecuteNonQueryAsync(ct);
        }
    }

    private static async Task<List<(string Physical, string Plain)>> List(
        NpgsqlConnection connection, Projection projection, IReadOnlyList<string> names, long live, bool onlyPrevious, CancellationToken ct)
    {
        await using var list = new NpgsqlCommand(Sql, connection)
        {
            Parameters =
            {
                new NpgsqlParameter<string[]> { TypedValue = [.. names] },
                new NpgsqlParameter<string> { TypedValue = projection.Name },
                new NpgsqlParameter<long> { TypedValue = live },
                new NpgsqlParameter<bool> { TypedValue = onlyPrevious },
            },
        };
        var tables = new List<(string, string)>();
        await using var reader = await list.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            tables.Add((reader.GetString(0), reader.GetString(1)));
        }

        return tables;
    }
}

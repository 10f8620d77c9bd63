using System.Diagnostics;
using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>The end of a rebuild: the new build comes to where the live one stands, is compared with it, and takes its place.</summary>
internal sealed class Switchover(NpgsqlDataSource database, EventLog log)
{
    private const int PageSize = 5_000;

    private static readonly TimeSpan LivePatience = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Lets the live build, where it works, come as far as the new one, so that the two can be compared at one position. One that stands
    /// still is not waited for: the switch is what mends it.
    /// </summary>
    public static async Task LetLiveCatchUp(
        NpgsqlConnection session, Projection projection, Checkpoint? live, long position, CancellationToken ct)
    {
        if (live is null || live.Revision != projection.Revision)
        {
            return;
        }

        var moved = Stopwatch.GetTimestamp();
        for (var last = -1L; last < position && Stopwatch.GetElapsedTime(moved) < LivePatience;)
        {
            var at = (await Checkpoints.Find(session, projection.Name, ct))?.Position ?? position;
            if (at != last)
            {
                (last, moved) = (at, Stopwatch.GetTimestamp());
            }

            if (at < position)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), ct);
            }
        }
    }

    /// <summary>
    /// Brings the new build to where the live one stands, compares the two, and points the views to the new one: in one transaction, which
    /// makes everything before it durable too.
    /// </summary>
    /// <param name="session">The rebuild's session.</param>
    /// <param name="build">The new build.</param>
    /// <param name="before">The checkpoint when the rebuild began; null where there was no build yet.</param>
    /// <param name="parked">The streams that the new build could not apply; more may come to it.</param>
    /// <param name="position">The position that the new build has reached.</param>
    /// <param name="ct">Cancels: the live build stays.</param>
    /// <returns>The tables as they compare, and the position of the switch.</returns>
    public async Task<(IReadOnlyList<RebuiltTable> Tables, long Position)> Switch(
        NpgsqlConnection session, ProjectionBuild build, Checkpoint? before, List<ParkedStream> parked, long position, CancellationToken ct)
    {
        await using var transaction = await session.BeginTransactionAsync(ct);
        await Execute(session, "set local lock_timeout = '500ms'; set local synchronous_commit = on", ct);

        // Holding the checkpoint's row stops the live runner at its next batch; from here on both builds stand still.
        var live = await Checkpoints.Find(session, build.Projection.Name, ct, forUpdate: true);
        var asBefore = parked.ToList();
        try
        {
            var at = position;
            for (var end = live?.Position ?? 0; at < end; at = Math.Min(at + PageSize, end))
            {
                var page = await log.ReadAfter(at, (int)Math.Min(PageSize, end - at), ct);
                ParkedStream.Take(parked, await build.Apply(session, page, ParkedStream.Ids(parked), log, ct));
            }

            var tables = await Compare(session, build, live, before, at, ct);
            await Execute(session, build.PointViews(), ct);
            await Record(session, build, live, at, ct);
            await ForgetInOld(session, build, live, at, ct);
            await using (var unpark = new NpgsqlCommand("delete from crm.parked where projection = $1", session))
            {
                unpark.Parameters.Add(new NpgsqlParameter<string> { TypedValue = build.Projection.Name });
                await unpark.ExecuteNonQueryAsync(ct);
            }

            await Checkpoints.Park(session, build.Projection.Name, parked, ct);
            await transaction.CommitAsync(ct);
            return (tables, at);
        }
        catch
        {
            // Rolled back with the transaction: what this attempt parked will be met again.
            parked.Clear();
            parked.AddRange(asBefore);
            throw;
        }
    }

    /// <summary>
    /// A live build that stood still has not yet forgotten what the new one has; and once it is no longer the live one, it never would.
    /// </summary>
    private async Task ForgetInOld(NpgsqlConnection session, ProjectionBuild build, Checkpoint? live, long at, CancellationToken ct)
    {
        for (var from = live?.Position ?? at; from < at; from = Math.Min(from + PageSize, at))
        {
            var page = await log.ReadAfter(from, (int)Math.Min(PageSize, at - from), ct);
            Guid[] forgotten = [.. page.Where(recorded => build.Projection.Rewrites(recorded.Data)).Select(recorded => recorded.StreamId)];
            if (forgotten is not [])
            {
                await OtherBuilds.Forget(session, build, forgotten, ct);
            }
        }
    }

    /// <summary>
    /// Compares the new build with the live one where both stand at one position, side by side: nobody writes to the live one now, so that
    /// a session of its own sees all of it, and this session sees what it has itself written to the new one.
    /// </summary>
    private async Task<IReadOnlyList<RebuiltTable>> Compare(
        NpgsqlConnection session, ProjectionBuild build, Checkpoint? live, Checkpoint? before, long at, CancellationToken ct)
    {
        var tables = new List<RebuiltTable>();
        if (live is null || before is null || live.Revision != build.Projection.Revision || live.Position != at)
        {
            foreach (var name in build.Names)
            {
                tables.Add(await Counted(session, build, name, ct));
            }

            return tables;
        }

        var old = build.Projection.OfBuild(live.Build);
        await using var other = await database.OpenConnectionAsync(ct);
        await using var transaction = await other.BeginTransactionAsync(ct);
        await using (var unhurried = new NpgsqlCommand("set local statement_timeout = 0", other))
        {
            await unhurried.ExecuteNonQueryAsync(ct);
        }

        foreach (var name in build.Names)
        {
            if (!await IsThere(other, old.Physical(name), ct))
            {
                // Somebody dropped it: that is what this rebuild mends.
                tables.Add(await Counted(session, build, name, ct));
                continue;
            }

            var made = TableDigest.Of(session, build.Physical(name), ct);
            var lives = TableDigest.Of(other, old.Physical(name), ct);
            await Task.WhenAll(made, lives);
            tables.Add(new RebuiltTable(name, (await made).Rows, await made == await lives));
        }

        return tables;
    }

    private static async Task<RebuiltTable> Counted(NpgsqlConnection session, ProjectionBuild build, string name, CancellationToken ct)
    {
        await using var count = new NpgsqlCommand($"select count(*) from {build.Physical(name)}", session) { CommandTimeout = 0 };
        return new RebuiltTable(name, (long)(await count.ExecuteScalarAsync(ct) ?? 0L), EqualsLive: null);
    }

    private static async Task<bool> IsThere(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        await using var look = new NpgsqlCommand("select to_regclass($1) is not null", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = table } },
        };
        return await look.ExecuteScalarAsync(ct) is true;
    }

    private static async Task Record(NpgsqlConnection session, ProjectionBuild build, Checkpoint? live, long position, CancellationToken ct)
    {
        await using var record = new NpgsqlCommand(
            """
            insert into crm.projections (name, revision, build, position) values ($1, $2, $3, $4)
            on conflict (name) do update
            set revision = $2, build = $3, position = $4, epoch = crm.projections.epoch + 1, error = null, updated_at = clock_timestamp(),
                previous_build = crm.projections.build, previous_revision = crm.projections.revision
            """,
            session)
        {
            Parameters =
            {
                new NpgsqlParameter<string> { TypedValue = build.Projection.Name },
                new NpgsqlParameter<int> { TypedValue = build.Projection.Revision },
                new NpgsqlParameter<long> { TypedValue = build.Build },
                new NpgsqlParameter<long> { TypedValue = position },
            },
        };
        await record.ExecuteNonQueryAsync(ct);
        Debug.Assert(live is null || live.Position <= position, "A switch never moves a checkpoint back.");
    }

    private static async Task Execute(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(ct);
    }
}

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Crm.EventStore.Log;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>How far a rebuild has come.</summary>
/// <param name="Phase">What it is doing: <c>reading</c>, <c>indexing</c>, <c>catching up</c>, <c>comparing</c>, <c>switching</c>.</param>
/// <param name="Done">Events folded so far.</param>
/// <param name="Total">Events to fold.</param>
public sealed record RebuildProgress(string Phase, long Done, long Total);

/// <summary>What a rebuild came to.</summary>
/// <param name="Projection">The projection.</param>
/// <param name="Build">The build that is live now.</param>
/// <param name="Position">The position it was switched at.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="Tables">Its tables, with rows, and whether they equal those of the build that was live before.</param>
/// <param name="Parked">The streams it could not apply.</param>
public sealed record RebuildReport(
    string Projection, long Build, long Position, TimeSpan Elapsed, IReadOnlyList<RebuiltTable> Tables, IReadOnlyList<ParkedStream> Parked);

/// <summary>One table of a rebuild.</summary>
/// <param name="Name">Its plain name.</param>
/// <param name="Rows">How many rows it holds.</param>
/// <param name="EqualsLive">Whether it equals the live table at the same position, by count and digest; null where there was none to compare with.</param>
public sealed record RebuiltTable(string Name, long Rows, bool? EqualsLive);

/// <summary>
/// Rebuilds a projection beside the live one, then switches: fills a new build's tables from the log, catches up, compares, and
/// points the views to it in one transaction. Queries never stop; the build before stays until the next rebuild.
/// </summary>
/// <param name="database">Where log and read models stand.</param>
/// <param name="log">The log.</param>
/// <param name="logger">Told of what it does.</param>
/// <param name="streamsAtOnce">About so many streams' states are in memory at the most: beyond, the log is gone through once per share of them.</param>
public sealed partial class Rebuilder(NpgsqlDataSource database, EventLog log, ILogger<Rebuilder> logger, long streamsAtOnce = 250_000) : IDisposable
{
    private const int PageSize = SharedPages.Size;

    /// <summary>The least distance at which catching up stops and the switch, which holds the checkpoint, does the rest.</summary>
    private const int NearEnough = 2_000;

    // Each rebuild takes several connections, a core and memory: on one host three at a time, the others wait.
    private readonly SemaphoreSlim places = new(3);
    private readonly SharedPages pages = new(log);

    private static readonly TimeSpan SwitchPatience = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan LivePatience = TimeSpan.FromSeconds(3);

    /// <summary>Rebuilds one projection. Only one rebuild of it runs at a time, over all hosts: a second waits.</summary>
    /// <param name="projection">The projection.</param>
    /// <param name="progress">Told of progress; null for nobody.</param>
    /// <param name="ct">Cancels: the live build goes on as it is, the unfinished one is dropped.</param>
    /// <param name="onlyIfStale">Does nothing (and answers null) when the live build is of the projection's revision already.</param>
    public async Task<RebuildReport?> Rebuild(
        Projection projection, IProgress<RebuildProgress>? progress, CancellationToken ct, bool onlyIfStale = false)
    {
        await places.WaitAsync(ct);
        try
        {
            using var reading = pages.Enter();
            return await RebuildInTurn(projection, progress, onlyIfStale, ct);
        }
        finally
        {
            places.Release();
        }
    }

    private async Task<RebuildReport?> RebuildInTurn(
        Projection projection, IProgress<RebuildProgress>? progress, bool onlyIfStale, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        await using var session = await database.OpenConnectionAsync(ct);
        await Execute(session, "set statement_timeout = 0; set synchronous_commit = off; set maintenance_work_mem = '128MB'", ct);
        await TakeTurn(session, projection.Name, ct);
        try
        {
            var live = await Checkpoints.Find(session, projection.Name, ct);
            if (onlyIfStale && live is not null && live.Revision >= projection.Revision)
            {
                return null;
            }

            await DropOrphans(session, projection, ct);
            var build = projection.OfBuild(await NextBuild(session, ct));
            LogStarted(projection.Name, build.Build, projection.Revision);
            await Execute(session, build.CreateTables(), ct);
            try
            {
                var report = await Fill(session, build, live, progress, began, ct);
                LogSwitched(projection.Name, build.Build, report.Position, report.Elapsed.TotalSeconds);
                return report;
            }
            catch (Exception) when (session.State == System.Data.ConnectionState.Open)
            {
                await Execute(session, build.DropTables(), CancellationToken.None);
                throw;
            }
        }
        finally
        {
            if (session.State == System.Data.ConnectionState.Open)
            {
                await Execute(
                    session,
                    "select pg_advisory_unlock_all(); reset statement_timeout; reset synchronous_commit; reset maintenance_work_mem",
                    CancellationToken.None);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => places.Dispose();

    /// <summary>The count of a table's rows and an order-free digest of their whole content.</summary>
    public static async Task<(long Rows, decimal Digest)> Digest(NpgsqlConnection connection, string table, CancellationToken ct)
    {
        await using var digest = new NpgsqlCommand(
            $"select count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) from {table} t", connection)
        { CommandTimeout = 0 };
        await using var reader = await digest.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return (reader.GetInt64(0), reader.GetDecimal(1));
    }

    private async Task<RebuildReport> Fill(
        NpgsqlConnection session, ProjectionBuild build, Checkpoint? live, IProgress<RebuildProgress>? progress, long began, CancellationToken ct)
    {
        var end = await log.LastPosition(ct);
        progress?.Report(new RebuildProgress("reading", 0, end));
        var parked = new List<ParkedStream>();
        var shares = build.RemembersStreams ? (int)(1 + (await log.CountStreams(ct) / streamsAtOnce)) : 1;
        var read = new Reading(end, shares, progress);
        for (var share = 0; share < shares; share++)
        {
            parked.AddRange(await build.Fill(database, Pages(read, share, ct), ct));
        }

        if (read.Count != end)
        {
            throw new LogCorruptException($"The log has a hole: {end} positions, but {read.Count} events.");
        }

        progress?.Report(new RebuildProgress("indexing", end, end));
        foreach (var index in build.CreateIndexes())
        {
            await Execute(session, index, ct);
        }

        foreach (var name in build.Names)
        {
            await Execute(session, $"analyze {build.Physical(name)}", ct);
        }

        var position = end;
        var patience = Stopwatch.GetTimestamp();
        while (true)
        {
            position = await CatchUp(session, build, parked, position, progress, ct);
            await LetLiveCatchUp(session, build.Projection, live, position, ct);
            progress?.Report(new RebuildProgress("switching", position, position));
            try
            {
                var (tables, at) = await Switch(session, build, live, parked, position, ct);
                progress?.Report(new RebuildProgress("switched", at, at));
                return new RebuildReport(build.Projection.Name, build.Build, at, Stopwatch.GetElapsedTime(began), tables, parked);
            }
            catch (PostgresException busy) when (busy.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected
                && Stopwatch.GetElapsedTime(patience) < SwitchPatience)
            {
                // A long export reads through the view. It is let through, and everybody who would have queued behind us with it.
                LogSwitchBusy(build.Projection.Name, busy.SqlState);
                await Task.Delay(TimeSpan.FromMilliseconds(200), ct);
            }
        }
    }

    /// <summary>Reads ahead while the fold works: one page is being read, one being folded.</summary>
    private async IAsyncEnumerable<IReadOnlyList<RecordedEvent>> Pages(Reading read, int share, [EnumeratorCancellation] CancellationToken ct)
    {
        var ahead = Channel.CreateBounded<IReadOnlyList<RecordedEvent>>(2);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var reading = Task.Run(() => ReadAhead(ahead.Writer, read, share, stop.Token), stop.Token);
        try
        {
            await foreach (var page in ahead.Reader.ReadAllAsync(ct))
            {
                yield return page;
                read.Folded(page.Count);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await reading.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
    }

    private async Task ReadAhead(ChannelWriter<IReadOnlyList<RecordedEvent>> ahead, Reading read, int share, CancellationToken ct)
    {
        try
        {
            for (long after = 0; after < read.End;)
            {
                var page = await pages.Read(after, read.End, read.Shares, share, ct);
                if (page is [])
                {
                    break;
                }

                after = page[^1].Position;
                await ahead.WriteAsync(page, ct);
            }

            ahead.Complete();
        }
        catch (Exception failed)
        {
            ahead.Complete(failed);
        }
    }

    /// <summary>What is read of the log in how many passes, and how many events came of it so far.</summary>
    private sealed class Reading(long end, int shares, IProgress<RebuildProgress>? progress)
    {
        public long End { get; } = end;

        public int Shares { get; } = shares;

        public long Count { get; private set; }

        public void Folded(int events)
        {
            Count += events;
            progress?.Report(new RebuildProgress("reading", Count, End));
        }
    }

    private async Task<long> CatchUp(
        NpgsqlConnection session, ProjectionBuild build, List<ParkedStream> parked, long position, IProgress<RebuildProgress>? progress, CancellationToken ct)
    {
        while (true)
        {
            var page = await log.ReadAfter(position, PageSize, ct);
            if (page is [])
            {
                return position;
            }

            await using var transaction = await session.BeginTransactionAsync(ct);
            parked.AddRange(await build.Apply(session, page, parked.Select(stream => stream.StreamId).ToHashSet(), ct));
            await transaction.CommitAsync(ct);
            position = page[^1].Position;
            progress?.Report(new RebuildProgress("catching up", position, Math.Max(position, log.Position.Known)));
            if (page.Count < NearEnough)
            {
                return position;
            }
        }
    }

    /// <summary>
    /// Lets the live build, where it works, come as far as the new one, so that the two can be compared at one position. One that stands
    /// still is not waited for: the switch is what mends it.
    /// </summary>
    private static async Task LetLiveCatchUp(NpgsqlConnection session, Projection projection, Checkpoint? live, long position, CancellationToken ct)
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

    private async Task<(IReadOnlyList<RebuiltTable> Tables, long Position)> Switch(
        NpgsqlConnection session, ProjectionBuild build, Checkpoint? before, List<ParkedStream> parked, long position, CancellationToken ct)
    {
        await using var transaction = await session.BeginTransactionAsync(ct);
        await Execute(session, "set local lock_timeout = '500ms'; set local synchronous_commit = on", ct);

        // Holding the checkpoint's row stops the live runner at its next batch; from here on both builds stand still.
        var live = await Checkpoints.Find(session, build.Projection.Name, ct, forUpdate: true);
        var here = parked.Count;
        var at = position;
        for (var end = live?.Position ?? 0; at < end; at = Math.Min(at + PageSize, end))
        {
            var page = await log.ReadAfter(at, (int)Math.Min(PageSize, end - at), ct);
            parked.AddRange(await build.Apply(session, page, parked.Select(stream => stream.StreamId).ToHashSet(), ct));
        }

        try
        {
            var tables = await Compare(session, build, live, before, at, ct);
            await Execute(session, build.PointViews(), ct);
            await Record(session, build, live, at, ct);
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
            parked.RemoveRange(here, parked.Count - here);
            throw;
        }
    }

    private static async Task<IReadOnlyList<RebuiltTable>> Compare(
        NpgsqlConnection session, ProjectionBuild build, Checkpoint? live, Checkpoint? before, long at, CancellationToken ct)
    {
        var comparable = live is not null && before is not null && live.Revision == build.Projection.Revision && live.Position == at;
        var old = live is null ? null : build.Projection.OfBuild(live.Build);
        var tables = new List<RebuiltTable>();
        foreach (var name in build.Names)
        {
            if (comparable && old is not null)
            {
                var made = await Digest(session, build.Physical(name), ct);
                tables.Add(new RebuiltTable(name, made.Rows, made == await Digest(session, old.Physical(name), ct)));
            }
            else
            {
                await using var count = new NpgsqlCommand($"select count(*) from {build.Physical(name)}", session) { CommandTimeout = 0 };
                tables.Add(new RebuiltTable(name, (long)(await count.ExecuteScalarAsync(ct) ?? 0L), EqualsLive: null));
            }
        }

        return tables;
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

    /// <summary>Drops what interrupted rebuilds left behind, and the build before the live one.</summary>
    private static async Task DropOrphans(NpgsqlConnection session, Projection projection, CancellationToken ct)
    {
        var names = projection.OfBuild(0).Names;
        var orphans = new List<string>();
        await using (var find = new NpgsqlCommand(
            """
            select format('%I.%I', schemaname, tablename) from pg_tables
            where schemaname = 'crm_read' and regexp_replace(tablename, '_b\d+$', '') = any($1) and tablename ~ '_b\d+$'
              and substring(tablename from '_b(\d+)$')::bigint not in (select build from crm.projections where name = $2)
            """,
            session))
        {
            find.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. names] });
            find.Parameters.Add(new NpgsqlParameter<string> { TypedValue = projection.Name });
            await using var reader = await find.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
            {
                orphans.Add(reader.GetString(0));
            }
        }

        foreach (var orphan in orphans)
        {
            await Execute(session, $"drop table if exists {orphan}", ct);
        }
    }

    private static async Task TakeTurn(NpgsqlConnection session, string name, CancellationToken ct)
    {
        await using var take = new NpgsqlCommand("select pg_try_advisory_lock(hashtextextended('crm.rebuild:' || $1, 0))", session)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = name } },
        };
        while (await take.ExecuteScalarAsync(ct) is not true)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), ct);
        }
    }

    private static async Task<long> NextBuild(NpgsqlConnection session, CancellationToken ct)
    {
        await using var next = new NpgsqlCommand("select nextval('crm.projection_build_seq')", session);
        return (long)(await next.ExecuteScalarAsync(ct) ?? throw new InvalidOperationException("The sequence of builds gave no number."));
    }

    private static async Task Execute(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(ct);
    }

    [LoggerMessage(LogLevel.Information, "Rebuilding {Projection} as build {Build} (revision {Revision}) beside the live one")]
    private partial void LogStarted(string projection, long build, int revision);

    [LoggerMessage(LogLevel.Information, "{Projection} switched to build {Build} at position {Position} after {Seconds:F1} s")]
    private partial void LogSwitched(string projection, long build, long position, double seconds);

    [LoggerMessage(LogLevel.Information, "The switch of {Projection} lets somebody through first ({SqlState})")]
    private partial void LogSwitchBusy(string projection, string sqlState);
}

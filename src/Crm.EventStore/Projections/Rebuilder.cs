using System.Diagnostics;
using Crm.EventStore.Log;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>
/// Rebuilds a projection beside the live one, then switches: fills a new build's tables from the log, catches up, compares, and
/// points the views to it in one transaction. Queries never stop; the build before stays until the next rebuild.
/// </summary>
/// <param name="database">Where log and read models stand.</param>
/// <param name="log">The log.</param>
/// <param name="logger">Told of what it does.</param>
/// <param name="atOnce">So many rebuilds run at a time, the others wait: each takes some connections.</param>
/// <param name="pageSize">So many events are read at a time; memory is in proportion to it, and to nothing else.</param>
public sealed partial class Rebuilder(
    NpgsqlDataSource database, EventLog log, ILogger<Rebuilder> logger, int atOnce = 3, int pageSize = SharedPages.Size) : IDisposable
{
    /// <summary>How many events are applied at a time while catching up.</summary>
    private const int Batch = 5_000;

    /// <summary>The least distance at which catching up stops and the switch, which holds the checkpoint, does the rest.</summary>
    private const int NearEnough = 2_000;

    private readonly SemaphoreSlim places = new(atOnce);

    // Of all rebuilds together: the server's cores and memory are what bounds them.
    private readonly SemaphoreSlim indexes = new(3);
    private readonly SharedPages pages = new(new LogPages(database, log.Catalog, log.Masters), pageSize);
    private readonly Switchover switchover = new(database, log);

    private static readonly TimeSpan SwitchPatience = TimeSpan.FromMinutes(10);

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
        await Execute(session, "set statement_timeout = 0; set synchronous_commit = off", ct);
        await TakeTurn(session, projection.Name, ct);
        try
        {
            var live = await Checkpoints.Find(session, projection.Name, ct);
            if (onlyIfStale && live is not null && live.Revision >= projection.Revision)
            {
                return null;
            }

            await OtherBuilds.Drop(session, projection, keepPrevious: false, ct);
            var build = projection.OfBuild(await NextBuild(session, ct));
            LogStarted(projection.Name, build.Build, projection.Revision);
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
                    "select pg_advisory_unlock_all(); reset statement_timeout; reset synchronous_commit",
                    CancellationToken.None);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        places.Dispose();
        indexes.Dispose();
    }

    private async Task<RebuildReport> Fill(
        NpgsqlConnection session, ProjectionBuild build, Checkpoint? live, IProgress<RebuildProgress>? progress, long began,
        CancellationToken ct)
    {
        // The end first: pages that others have read under the same count read as they do now, for all that is not beyond the end.
        var last = await log.LastPosition(ct);
        var toRead = pages.Begin(new LogReading(last, await log.CountErased(ct)));
        var end = toRead.End;
        progress?.Report(new RebuildProgress("reading", 0, end));
        var reading = new ReadingAhead(pages, toRead, progress);
        await using var indexing = new SideBySide(database, indexes, ct);
        List<ParkedStream> parked = [.. await build.Fill(database, reading.Pages(ct), indexing, ct)];
        if (reading.Folded != end)
        {
            throw new LogCorruptException(
                $"The log has a hole: {end} positions, but {reading.Folded} events; the first that is missing is {await log.FirstHole(ct)}.");
        }

        progress?.Report(new RebuildProgress("indexing", end, end));
        await indexing.Done();

        var position = end;
        var patience = Stopwatch.GetTimestamp();
        while (true)
        {
            position = await CatchUp(session, build, parked, position, progress, ct);
            await Switchover.LetLiveCatchUp(session, build.Projection, live, position, ct);
            progress?.Report(new RebuildProgress("switching", position, position));
            try
            {
                var (tables, at) = await switchover.Switch(session, build, live, parked, position, ct);
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

    private async Task<long> CatchUp(
        NpgsqlConnection session, ProjectionBuild build, List<ParkedStream> parked, long position, IProgress<RebuildProgress>? progress,
        CancellationToken ct)
    {
        while (true)
        {
            var page = await log.ReadAfter(position, Batch, ct);
            if (page is [])
            {
                return position;
            }

            await using var transaction = await session.BeginTransactionAsync(ct);
            ParkedStream.Take(parked, await build.Apply(session, page, ParkedStream.Ids(parked), log, ct));
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
    /// Drops what interrupted rebuilds of a projection left behind, unless one is under way: nobody keeps its rows in step with the log.
    /// </summary>
    public async Task DropLeftOvers(Projection projection, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        if (await OtherBuilds.TryHold(connection, projection.Name, ct))
        {
            await OtherBuilds.Drop(connection, projection, keepPrevious: true, ct);
        }

        await transaction.CommitAsync(ct);
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

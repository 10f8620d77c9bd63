using System.Diagnostics;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Npgsql;

namespace Crm.Application.Integrity;

/// <summary>
/// Runs every check: of each lead's row, of the log's own consistency, and of the read models against the log. It only reads, page by page,
/// so that no statement is long and no writer waits.
/// </summary>
public sealed class IntegrityRun(NpgsqlDataSource database, EventLog log, IReadOnlyList<Projection> projections)
{
    /// <summary>About how many streams the sample holds, unless told.</summary>
    public const int SampleSize = 200;

    /// <summary>Runs them all.</summary>
    /// <param name="now">The time that the future begins at.</param>
    /// <param name="seed">Which streams the sample holds: the same seed and log, the same streams.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="ct">Stops it.</param>
    /// <param name="sample">About how many streams the sample holds.</param>
    public async Task<IntegrityReport> Run(
        DateTimeOffset now, int seed, IProgress<IntegrityProgress>? progress, CancellationToken ct, int sample = SampleSize)
    {
        var began = Stopwatch.GetTimestamp();
        var tally = new Tally();
        var last = await new LogChecks(database, log, tally).Run(progress, ct);
        if (await HasBoard(ct))
        {
            await foreach (var row in new BoardPages(database).All(progress, ct))
            {
                Look(row, now, tally);
            }

            await new KeyChecks(database, log, tally).Run(ct);
        }

        var positions = Sample(last, seed, sample);
        await new AuditChecks(database, tally).Run(positions, progress, ct);
        await new ReadModelChecks(database, log, projections, tally).Run(last, positions, progress, ct);
        var results = IntegrityCheck.All.Select(tally.Result).ToList();
        var passed = results.Count(static result => result.Passed);
        return new IntegrityReport(
            now, last, seed, results.Count, passed, Math.Round(100.0 * passed / results.Count, 1),
            Math.Round(Stopwatch.GetElapsedTime(began).TotalSeconds, 3), results);
    }

    /// <summary>Positions by lot: reproducible, nothing secret.</summary>
    internal static long[] Sample(long last, int seed, int size)
    {
        var random = new Random(seed);
        return last == 0 ? [] : [.. Enumerable.Range(0, size).Select(_ => random.NextInt64(1, last + 1)).Distinct().Order()];
    }

    private static void Look(BoardRow row, DateTimeOffset now, Tally tally)
    {
        foreach (var (check, holds) in LeadRowChecks.All)
        {
            if (holds(row, now) is { } isRight)
            {
                tally.Looked(check);
                if (!isRight)
                {
                    tally.Offends(check, row.LeadId.ToString());
                }
            }
        }
    }

    private async Task<bool> HasBoard(CancellationToken ct)
    {
        await using var look = database.CreateCommand("select to_regclass('crm_read.lead_board') is not null");
        return await look.ExecuteScalarAsync(ct) is true;
    }
}

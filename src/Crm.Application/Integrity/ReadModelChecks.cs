using System.Globalization;
using Crm.EventStore.Log;
using Crm.EventStore.Projections;
using Npgsql;

namespace Crm.Application.Integrity;

/// <summary>
/// The checks of the read models: a sample of streams against the log and of days against their entries, what is parked, and how far each
/// has come.
/// </summary>
internal sealed class ReadModelChecks(
    NpgsqlDataSource database, EventLog log, IReadOnlyList<Projection> projections, Tally tally)
{
    // A day may hold many entries: so many streams of the sample, one day.
    private const int StreamsForADay = 20;

    // So many streams are held at a time.
    private const int StreamsAtOnce = 500;

    // A host that is catching up is no defect.
    private const long FarBehind = 100_000;

    /// <summary>The read models of which a sample differs from the log.</summary>
    public HashSet<string> Differing { get; } = new(StringComparer.Ordinal);

    /// <summary>Checks everything.</summary>
    /// <param name="last">The log's last position.</param>
    /// <param name="sample">The positions of which the streams are the sample.</param>
    /// <param name="progress">Told how far it is; null for nobody.</param>
    /// <param name="ct">Stops it.</param>
    public async Task Run(long last, long[] sample, IProgress<IntegrityProgress>? progress, CancellationToken ct)
    {
        await Standing(last, ct);
        var streams = await Sample(sample, ct);
        var check = new SampleCheck(database, log);
        foreach (var (projection, place) in projections.Select(static (projection, place) => (projection, place)))
        {
            foreach (var some in streams.Chunk(StreamsAtOnce).Index())
            {
                var done = (place + ((double)some.Index * StreamsAtOnce / streams.Count)) / projections.Count;
                progress?.Report(new IntegrityProgress($"sample of {projection.Name}", done));
                var differing = await Compared(check, projection, some.Item, ct);
                if (differing.Count > 0)
                {
                    Differing.Add(projection.Name);
                    tally.Offend(IntegrityCheck.ReadModels, differing.Count, differing.Select(stream => $"{projection.Name}: {stream}"));
                }
            }

            await Totals(check, projection, sample, ct);
        }
    }

    private async Task Totals(SampleCheck check, Projection projection, long[] sample, CancellationToken ct)
    {
        var most = sample.Length == 0 ? 0 : Math.Max(1, sample.Length / StreamsForADay);
        if (await check.CompareTotals(projection, sample, most, ct) is not { } totals)
        {
            return;
        }

        tally.Looked(IntegrityCheck.ReadModels, totals.Days);
        if (totals.Differing.Count > 0)
        {
            Differing.Add(projection.Name);
            tally.Offend(
                IntegrityCheck.ReadModels, totals.Differing.Count, totals.Differing.Select(day => $"{projection.Name}: totals of {Of(day)}"));
        }
    }

    private static string Of(DateOnly day) =>
        day == TotalKey.AllTime ? "all days" : day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private async Task<IReadOnlyCollection<Guid>> Compared(
        SampleCheck check, Projection projection, IReadOnlyCollection<Guid> streams, CancellationToken ct)
    {
        if (await check.Compare(projection, streams, ct) is not { } first)
        {
            // Not built, or of another revision: told by the check of the projections themselves.
            return [];
        }

        tally.Looked(IntegrityCheck.ReadModels, first.Compared);

        // Twice, since a stream may just be rewritten when its person is erased.
        return first.Differing.Count == 0 ? [] : (await check.Compare(projection, first.Differing, ct))?.Differing ?? [];
    }

    private async Task<List<Guid>> Sample(long[] positions, CancellationToken ct)
    {
        await using var find = database.CreateCommand("select distinct stream_id from crm.mt_events where seq_id = any($1) order by 1");
        find.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = positions });
        await using var reader = await find.ExecuteReaderAsync(ct);
        var streams = new List<Guid>();
        while (await reader.ReadAsync(ct))
        {
            streams.Add(reader.GetGuid(0));
        }

        return streams;
    }

    private async Task Standing(long last, CancellationToken ct)
    {
        var standing = (await ProjectionStatus.List(database, ct)).ToDictionary(static status => status.Name, StringComparer.Ordinal);
        foreach (var projection in projections)
        {
            tally.Looked(IntegrityCheck.Projections);
            tally.Looked(IntegrityCheck.Parked);
            if (!standing.TryGetValue(projection.Name, out var status))
            {
                tally.Offends(IntegrityCheck.Projections, $"{projection.Name} has not been built");
                continue;
            }

            if (status.ParkedStreams > 0)
            {
                tally.Offend(IntegrityCheck.Parked, status.ParkedStreams, [$"{projection.Name}: {status.ParkedStreams} streams"]);
            }

            var why = status.Revision != projection.Revision ? $"is of revision {status.Revision}, not {projection.Revision}"
                : status.Error is not null ? "stands still with an error"
                : last - status.Position > FarBehind ? $"is {last - status.Position} events behind"
                : null;
            if (why is not null)
            {
                tally.Offends(IntegrityCheck.Projections, $"{projection.Name} {why}");
            }
        }
    }
}

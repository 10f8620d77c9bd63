using System.Globalization;
using Crm.EventStore.Log;
using Npgsql;

namespace Crm.Application.Integrity;

/// <summary>The checks of the log itself, page by page: what the tables hold, not what a reader would make of it.</summary>
internal sealed class LogChecks(NpgsqlDataSource database, EventLog log, Tally tally)
{
    private const int EventsAtOnce = 50_000;
    private const int StreamsAtOnce = 10_000;
    private const int DecodedAtOnce = 5_000;

    /// <summary>Checks everything.</summary>
    /// <returns>The log's last position when it began.</returns>
    public async Task<long> Run(IProgress<IntegrityProgress>? progress, CancellationToken ct)
    {
        var (last, streams) = await End(ct);
        for (var from = 1L; from <= last; from += EventsAtOnce)
        {
            progress?.Report(new IntegrityProgress("events", (double)from / last));
            await Events(from, Math.Min(last, from + EventsAtOnce - 1), ct);
        }

        await Streams(streams, progress, ct);
        await Readable(last, progress, ct);
        return last;
    }

    private async Task<(long Last, long Streams)> End(CancellationToken ct)
    {
        await using var find = database.CreateCommand(LogCheckSql.End);
        await using var reader = await find.ExecuteReaderAsync(ct);
        if (!await reader.ReadAsync(ct))
        {
            throw new LogCorruptException("The counter of positions is gone.");
        }

        var (last, counter) = (reader.GetInt64(0), await reader.IsDBNullAsync(1, ct) ? -1 : reader.GetInt64(1));
        if (last != counter)
        {
            tally.Offends(
                IntegrityCheck.LogPositions,
                string.Create(CultureInfo.InvariantCulture, $"the counter is at {counter}, the log ends at {last}"));
        }

        return (last, reader.GetInt64(2));
    }

    private async Task Events(long from, long to, CancellationToken ct)
    {
        var (found, expected) = (await Page(from, to, ct), to - from + 1);
        await Keyless(from, to, found, ct);
        if (found != expected)
        {
            await Missing(from, to, expected - found, ct);
        }
    }

    // How many events the page holds.
    private async Task<long> Page(long from, long to, CancellationToken ct)
    {
        // One event of the page before comes along, so that its time is compared across the border.
        await using var look = database.CreateCommand(LogCheckSql.Events);
        look.Parameters.Add(new NpgsqlParameter<long> { TypedValue = Math.Max(1, from - 1) });
        look.Parameters.Add(new NpgsqlParameter<long> { TypedValue = to });
        look.Parameters.Add(new NpgsqlParameter<long> { TypedValue = from });
        await using var reader = await look.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        var found = reader.GetInt64(0);
        var activities = reader.GetInt64(5);
        tally.Looked(IntegrityCheck.LogPositions, to - from + 1);
        tally.Looked(IntegrityCheck.LogTimes, found);
        tally.Looked(IntegrityCheck.LogStreams, found);
        tally.Looked(IntegrityCheck.ActivityKind, activities);
        tally.Looked(IntegrityCheck.ActivityDirection, activities);
        tally.Looked(IntegrityCheck.ActivityTime, activities);
        Take(reader, 1, IntegrityCheck.LogTimes);
        Take(reader, 3, IntegrityCheck.LogStreams);
        Take(reader, 6, IntegrityCheck.ActivityKind);
        Take(reader, 8, IntegrityCheck.ActivityDirection);
        Take(reader, 10, IntegrityCheck.ActivityTime);
        return found;
    }

    private async Task Keyless(long from, long to, long events, CancellationToken ct)
    {
        await using var find = database.CreateCommand(LogCheckSql.Keyless);
        find.Parameters.Add(new NpgsqlParameter<long> { TypedValue = from });
        find.Parameters.Add(new NpgsqlParameter<long> { TypedValue = to });
        await using var reader = await find.ExecuteReaderAsync(ct);
        tally.Looked(IntegrityCheck.SubjectKeys, events);
        while (await reader.ReadAsync(ct))
        {
            tally.Offends(IntegrityCheck.SubjectKeys, reader.GetGuid(0).ToString());
        }
    }

    private async Task Missing(long from, long to, long count, CancellationToken ct)
    {
        await using var find = database.CreateCommand(LogCheckSql.Missing);
        find.Parameters.Add(new NpgsqlParameter<long> { TypedValue = from });
        find.Parameters.Add(new NpgsqlParameter<long> { TypedValue = to });
        var missing = new List<string>();
        await using var reader = await find.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            missing.Add(string.Create(CultureInfo.InvariantCulture, $"position {reader.GetInt64(0)} is missing"));
        }

        tally.Offend(IntegrityCheck.LogPositions, count, missing);
    }

    private async Task Streams(long streams, IProgress<IntegrityProgress>? progress, CancellationToken ct)
    {
        var after = Guid.Empty;
        for (var done = 0L; ;)
        {
            progress?.Report(new IntegrityProgress("streams", streams == 0 ? 1 : Math.Min(1, (double)done / streams)));
            await using var look = database.CreateCommand(LogCheckSql.Streams);
            look.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = after });
            look.Parameters.Add(new NpgsqlParameter<int> { TypedValue = StreamsAtOnce });
            await using var reader = await look.ExecuteReaderAsync(ct);
            await reader.ReadAsync(ct);
            var count = reader.GetInt64(0);
            if (count == 0)
            {
                return;
            }

            tally.Looked(IntegrityCheck.LogVersions, count);
            if (reader.GetInt64(2) is > 0 and var bad)
            {
                tally.Offend(IntegrityCheck.LogVersions, bad, reader.GetFieldValue<Guid[]>(3).Select(static id => id.ToString()));
            }

            (after, done) = (reader.GetGuid(1), done + count);
        }
    }

    private async Task Readable(long last, IProgress<IntegrityProgress>? progress, CancellationToken ct)
    {
        var after = 0L;
        while (after < last)
        {
            progress?.Report(new IntegrityProgress("reading", (double)after / last));
            try
            {
                if (await log.ReadAfter(after, DecodedAtOnce, ct) is not [.., var end] page)
                {
                    return;
                }

                tally.Looked(IntegrityCheck.LogReadable, page.Count);
                foreach (var unreadable in page.Where(static recorded => recorded.Data is UnreadableEvent))
                {
                    tally.Offends(IntegrityCheck.LogReadable, $"position {unreadable.Position}, {unreadable.Type}");
                }

                after = end.Position;
            }
            catch (LogCorruptException corrupt)
            {
                // Which of them: event by event, past the one that stops the reading.
                after = await OneByOne(after, Math.Min(last, after + DecodedAtOnce), corrupt, ct);
            }
        }
    }

    private async Task<long> OneByOne(long after, long to, LogCorruptException whole, CancellationToken ct)
    {
        var isNamed = false;
        for (; after < to; after++)
        {
            var why = await WhyUnreadable(after, ct);
            tally.Looked(IntegrityCheck.LogReadable);
            if (why is not null)
            {
                tally.Offends(IntegrityCheck.LogReadable, string.Create(CultureInfo.InvariantCulture, $"position {after + 1}: {why}"));
                isNamed = true;
            }
        }

        if (!isNamed)
        {
            tally.Offends(IntegrityCheck.LogReadable, whole.Message);
        }

        return to;
    }

    private async Task<string?> WhyUnreadable(long after, CancellationToken ct)
    {
        try
        {
            return await log.ReadAfter(after, 1, ct) is [{ Data: UnreadableEvent unreadable }] ? unreadable.Type : null;
        }
        catch (LogCorruptException corrupt)
        {
            return corrupt.Message;
        }
    }

    private void Take(NpgsqlDataReader reader, int column, IntegrityCheck check)
    {
        if (reader.GetInt64(column) is > 0 and var count)
        {
            var positions = reader.GetFieldValue<long[]>(column + 1);
            tally.Offend(
                check, count, positions.Select(static at => string.Create(CultureInfo.InvariantCulture, $"position {at}")));
        }
    }
}

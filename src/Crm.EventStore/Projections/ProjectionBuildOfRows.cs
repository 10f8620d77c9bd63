using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <inheritdoc/>
internal sealed class ProjectionBuild<TState, TEntry>(Projection<TState, TEntry> projection, long build)
    : ProjectionBuild(projection, build)
    where TState : class
    where TEntry : class
{
    private const int StreamsAtOnce = 200;

    private readonly StateTable<TState>? states = projection.States;
    private readonly ReadTable<TEntry>? entries = projection.Entries;
    private readonly DailyTotals<TEntry>? totals = projection.Totals;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Names =>
        [.. new[] { states?.Name, entries?.Name, totals?.Name }.OfType<string>()];

    /// <inheritdoc/>
    public override IReadOnlyList<(string Name, string StreamColumn)> TablesOfStreams =>
    [
        .. states is null ? Array.Empty<(string, string)>() : [(states.Name, states.StreamColumn)],
        .. entries is null ? Array.Empty<(string, string)>() : [(entries.Name, entries.StreamColumn)],
    ];

    /// <inheritdoc/>
    public override string ColumnsOf(string name) =>
        name == states?.Name ? states.ColumnList
        : name == entries?.Name ? entries.ColumnList
        : TotalsTable.ColumnList;

    /// <inheritdoc/>
    public override async Task<Applied> Apply(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, IReadOnlySet<Guid> parked, EventLog log, CancellationToken ct)
    {
        var rewritten = Rewritten(events);
        if (rewritten is not [])
        {
            await Forget(connection, rewritten, ct);
            (events, parked) = await Anew(events, rewritten, parked, log, ct);
        }

        var loaded = await LoadStates(connection, events, parked, ct);
        var folding = new Folding<TState, TEntry>(projection, loaded, parked);
        folding.Fold(events);
        if (states is not null)
        {
            var existed = folding.Changed.Where(loaded.ContainsKey).ToArray();
            if (existed is not [])
            {
                await using var delete = new NpgsqlCommand(
                    $"delete from {Physical(states.Name)} where {states.StreamColumn} = any($1)", connection)
                {
                    Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = existed } },
                };
                await delete.ExecuteNonQueryAsync(ct);
            }

            await Copy(connection, states, folding.ChangedStates(), ct);
        }

        if (entries is not null)
        {
            await Copy(connection, entries, folding.Entries, ct);
        }

        if (totals is not null)
        {
            var sums = new Dictionary<TotalKey, Total>();
            TotalsTable.Add(sums, totals, folding.Entries);
            await TotalsTable.Upsert(connection, Physical(totals.Name), sums, ct);
        }

        return new Applied(folding.Parked, rewritten);
    }

    /// <inheritdoc/>
    public override async Task Forget(NpgsqlConnection connection, Guid[] streams, CancellationToken ct)
    {
        foreach (var (name, column) in TablesOfStreams)
        {
            await using var delete = new NpgsqlCommand($"delete from {Physical(name)} where {column} = any($1)", connection)
            {
                Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = streams } },
            };
            await delete.ExecuteNonQueryAsync(ct);
        }
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<StreamRows>> Compare(
        NpgsqlConnection connection, Guid stream, IReadOnlyList<RecordedEvent> history, CancellationToken ct)
    {
        var folding = new Folding<TState, TEntry>(projection, [], new HashSet<Guid>());
        folding.Fold(history);
        var rows = new List<StreamRows>();
        if (states is not null)
        {
            rows.Add(await StreamRows.Compare(connection, this, states, folding.ChangedStates(), stream, ct));
        }

        if (entries is not null)
        {
            rows.Add(await StreamRows.Compare(connection, this, entries, folding.Entries, stream, ct));
        }

        return rows;
    }

    /// <inheritdoc/>
    public override Task<IReadOnlyList<ParkedStream>> Fill(
        NpgsqlDataSource database, IAsyncEnumerable<IReadOnlyList<RecordedEvent>> pages, SideBySide indexing, CancellationToken ct) =>
        new FirstFill<TState, TEntry>(this, projection, database, indexing).Run(pages, ct);

    private Guid[] Rewritten(IReadOnlyList<RecordedEvent> events)
    {
        HashSet<Guid>? streams = null;
        foreach (var recorded in events)
        {
            if (projection.Rewrites(recorded.Data))
            {
                (streams ??= []).Add(recorded.StreamId);
            }
        }

        return streams is null ? []
            : totals is null ? [.. streams]
            : throw new InvalidOperationException($"{projection.Name} keeps totals, which cannot be rewritten for one stream.");
    }

    /// <summary>
    /// The batch with whole histories, as they read now, in place of the events of streams that are rewritten. Nothing of those streams is
    /// parked any more: they begin anew.
    /// </summary>
    private static async Task<(IReadOnlyList<RecordedEvent> Events, IReadOnlySet<Guid> Parked)> Anew(
        IReadOnlyList<RecordedEvent> events, Guid[] rewritten, IReadOnlySet<Guid> parked, EventLog log, CancellationToken ct)
    {
        var end = events[^1].Position;
        var anew = events.Where(recorded => !rewritten.Contains(recorded.StreamId)).ToList();
        foreach (var some in rewritten.Chunk(StreamsAtOnce))
        {
            anew.AddRange((await log.ReadStreamsAsStored(some, ct)).Where(recorded => recorded.Position <= end));
        }

        return (anew, parked.Except(rewritten).ToHashSet());
    }

    private async Task<Dictionary<Guid, TState>> LoadStates(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, IReadOnlySet<Guid> parked, CancellationToken ct)
    {
        var loaded = new Dictionary<Guid, TState>();
        if (states is null)
        {
            return loaded;
        }

        // A stream that begins in this batch has no row yet.
        var begun = new HashSet<Guid>();
        var wanted = new HashSet<Guid>();
        foreach (var recorded in events)
        {
            if (recorded.Version == 1)
            {
                begun.Add(recorded.StreamId);
            }
            else if (!begun.Contains(recorded.StreamId) && !parked.Contains(recorded.StreamId) && projection.Concerns(recorded))
            {
                wanted.Add(recorded.StreamId);
            }
        }

        if (wanted.Count == 0)
        {
            return loaded;
        }

        await using var load = new NpgsqlCommand(
            $"select {states.ColumnList} from {Physical(states.Name)} where {states.StreamColumn} = any($1)", connection)
        {
            Parameters = { new NpgsqlParameter<Guid[]> { TypedValue = [.. wanted] } },
        };
        await using var reader = await load.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            var state = states.Read(reader);
            loaded.Add(states.StreamOf(state), state);
        }

        return loaded;
    }

    private async Task Copy<TRow>(NpgsqlConnection connection, ReadTable<TRow> table, IReadOnlyCollection<TRow> rows, CancellationToken ct)
        where TRow : class
    {
        if (rows.Count > 0)
        {
            await using var copy = await TableCopy<TRow>.Begin(connection, table, Physical(table.Name), isNew: false, ct);
            await copy.Write(rows, ct);
            await copy.End(ct);
        }
    }
}

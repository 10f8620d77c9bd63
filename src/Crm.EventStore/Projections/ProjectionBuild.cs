using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>A stream that a projection could not apply further: its later events queue behind the one that failed.</summary>
/// <param name="StreamId">The stream.</param>
/// <param name="Position">The event that failed.</param>
/// <param name="Error">Why.</param>
public sealed record ParkedStream(Guid StreamId, long Position, string Error);

/// <summary>
/// One build of a projection: its tables under a build number (<c>lead_board_b3</c>), how a batch is folded into them live,
/// and how they are filled from the log.
/// </summary>
internal abstract class ProjectionBuild(Projection projection, long build)
{
    /// <summary>The projection.</summary>
    public Projection Projection { get; } = projection;

    /// <summary>The build's number.</summary>
    public long Build { get; } = build;

    /// <summary>The plain names of its tables, which are the names of the views that readers use.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>Whether the fold holds a state per stream.</summary>
    public abstract bool RemembersStreams { get; }

    /// <summary>The columns of a table, for its view.</summary>
    public abstract string ColumnsOf(string name);

    /// <summary>The physical name of a table in this build.</summary>
    public string Physical(string name) => $"crm_read.{name}_b{Build}";

    /// <summary>Folds a batch into the tables, inside the caller's transaction.</summary>
    /// <param name="connection">The connection whose transaction also moves the checkpoint.</param>
    /// <param name="events">The events in order.</param>
    /// <param name="parked">The streams that are parked: their events are passed over.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The streams that had to be parked now.</returns>
    public abstract Task<IReadOnlyList<ParkedStream>> Apply(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, IReadOnlySet<Guid> parked, CancellationToken ct);

    /// <summary>
    /// Makes the tables and fills them from pages of the log, folding in memory and writing by <c>COPY</c>. The indexes of a table are
    /// begun as soon as it is filled.
    /// </summary>
    /// <param name="database">Where the tables are made.</param>
    /// <param name="shares">The pages of the log; or where it holds too many streams for the memory, those of each share of them.</param>
    /// <param name="indexing">Builds the indexes meanwhile; the caller waits for it.</param>
    /// <param name="ct">Cancels: what was made has to be dropped.</param>
    /// <returns>The streams that had to be parked.</returns>
    public abstract Task<IReadOnlyList<ParkedStream>> Fill(
        NpgsqlDataSource database, IEnumerable<IAsyncEnumerable<IReadOnlyList<RecordedEvent>>> shares, SideBySide indexing,
        CancellationToken ct);

    /// <summary>
    /// The statement that points the views of the plain names to this build. A view is replaced where its columns stay the same, so that
    /// what others built on it stays; a changed shape makes it anew.
    /// </summary>
    public string PointViews() => string.Join(
        '\n',
        Names.Select(name =>
        {
            var view = $"view crm_read.{name} as select {ColumnsOf(name)} from {Physical(name)};";
            return $"do $$ begin create or replace {view} "
                + $"exception when invalid_table_definition then drop view crm_read.{name}; create {view} end $$;";
        }));

    /// <summary>The statement that drops the tables.</summary>
    public string DropTables() => string.Join('\n', Names.Select(name => $"drop table if exists {Physical(name)};"));
}

/// <inheritdoc/>
internal sealed class ProjectionBuild<TState, TEntry>(Projection<TState, TEntry> projection, long build)
    : ProjectionBuild(projection, build)
    where TState : class
    where TEntry : class
{
    private readonly StateTable<TState>? states = projection.States;
    private readonly ReadTable<TEntry>? entries = projection.Entries;
    private readonly DailyTotals<TEntry>? totals = projection.Totals;

    /// <inheritdoc/>
    public override IReadOnlyList<string> Names =>
        [.. new[] { states?.Name, entries?.Name, totals?.Name }.OfType<string>()];

    /// <inheritdoc/>
    public override bool RemembersStreams => states is not null;

    /// <inheritdoc/>
    public override string ColumnsOf(string name) =>
        name == states?.Name ? states.ColumnList
        : name == entries?.Name ? entries.ColumnList
        : TotalsTable.ColumnList;

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<ParkedStream>> Apply(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, IReadOnlySet<Guid> parked, CancellationToken ct)
    {
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

        return folding.Parked;
    }

    /// <inheritdoc/>
    public override Task<IReadOnlyList<ParkedStream>> Fill(
        NpgsqlDataSource database, IEnumerable<IAsyncEnumerable<IReadOnlyList<RecordedEvent>>> shares, SideBySide indexing,
        CancellationToken ct) =>
        new FirstFill<TState, TEntry>(this, projection, database, indexing).Run(shares, ct);

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

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

    /// <summary>The statement that makes the tables, without their further indexes.</summary>
    public abstract string CreateTables();

    /// <summary>The statements that make the further indexes; one each, so that they can run side by side.</summary>
    public abstract IReadOnlyList<string> CreateIndexes();

    /// <summary>Folds a batch into the tables, inside the caller's transaction.</summary>
    /// <param name="connection">The connection whose transaction also moves the checkpoint.</param>
    /// <param name="events">The events in order.</param>
    /// <param name="parked">The streams that are parked: their events are passed over.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The streams that had to be parked now.</returns>
    public abstract Task<IReadOnlyList<ParkedStream>> Apply(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, IReadOnlySet<Guid> parked, CancellationToken ct);

    /// <summary>Fills the empty tables from pages of the log, folding in memory and writing by <c>COPY</c>.</summary>
    public abstract Task<IReadOnlyList<ParkedStream>> Fill(
        NpgsqlDataSource database, IAsyncEnumerable<IReadOnlyList<RecordedEvent>> pages, CancellationToken ct);

    /// <summary>
    /// The statement that points the views of the plain names to this build. A view is replaced where its columns stay the same, so that
    /// what others built on it stays; a changed shape makes it anew.
    /// </summary>
    public string PointViews() => string.Join(
        '\n',
        Names.Select(name =>
        {
            var view = $"view crm_read.{name} as select {ColumnsOf(name)} from {Physical(name)};";
            return $"do $$ begin create or replace {view} exception when invalid_table_definition then drop view crm_read.{name}; create {view} end $$;";
        }));

    /// <summary>The statement that drops the tables.</summary>
    public string DropTables() => string.Join('\n', Names.Select(name => $"drop table if exists {Physical(name)};"));
}

/// <inheritdoc/>
internal sealed class ProjectionBuild<TState, TEntry>(Projection<TState, TEntry> projection, long build) : ProjectionBuild(projection, build)
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
        name == states?.Name ? ColumnList(states)
        : name == entries?.Name ? ColumnList(entries)
        : TotalsTable.ColumnList;

    /// <inheritdoc/>
    public override string CreateTables() => string.Join(
        '\n',
        new[] { Create(states), Create(entries), totals is null ? null : TotalsTable.Create(Physical(totals.Name)) }.OfType<string>());

    /// <inheritdoc/>
    public override IReadOnlyList<string> CreateIndexes() => [.. Indexes(states), .. Indexes(entries)];

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<ParkedStream>> Apply(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, IReadOnlySet<Guid> parked, CancellationToken ct)
    {
        var loaded = await LoadStates(connection, events, parked, ct);
        var folding = new Folding(projection, loaded, parked);
        foreach (var recorded in events)
        {
            folding.Fold(recorded);
        }

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
    public override async Task<IReadOnlyList<ParkedStream>> Fill(
        NpgsqlDataSource database, IAsyncEnumerable<IReadOnlyList<RecordedEvent>> pages, CancellationToken ct)
    {
        var folding = new Folding(projection, [], new HashSet<Guid>());
        var sums = new Dictionary<TotalKey, Total>();
        await using (var connection = await database.OpenConnectionAsync(ct))
        {
            // One COPY lasts as long as the log takes to read: minutes. The switch, later, is what makes the build durable.
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await using (var unhurried = new NpgsqlCommand("set local statement_timeout = 0; set local synchronous_commit = off", connection))
            {
                await unhurried.ExecuteNonQueryAsync(ct);
            }

            if (entries is null)
            {
                await foreach (var page in pages.WithCancellation(ct))
                {
                    Fold(folding, page);
                }
            }
            else
            {
                await using var importer = await BeginCopy(connection, entries, ct);
                await foreach (var page in pages.WithCancellation(ct))
                {
                    Fold(folding, page);
                    await Write(importer, entries, folding.Entries, ct);
                    if (totals is not null)
                    {
                        TotalsTable.Add(sums, totals, folding.Entries);
                    }

                    folding.Entries.Clear();
                }

                await importer.CompleteAsync(ct);
            }

            if (states is not null)
            {
                await Copy(connection, states, folding.States.Values, ct);
            }

            if (totals is not null)
            {
                await TotalsTable.Upsert(connection, Physical(totals.Name), sums, ct);
            }

            await transaction.CommitAsync(ct);
        }

        return folding.Parked;
    }

    private static void Fold(Folding folding, IReadOnlyList<RecordedEvent> page)
    {
        foreach (var recorded in page)
        {
            folding.Fold(recorded);
        }
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
            else if (!begun.Contains(recorded.StreamId) && !parked.Contains(recorded.StreamId) && Folding.Concerns(projection, recorded))
            {
                wanted.Add(recorded.StreamId);
            }
        }

        if (wanted.Count == 0)
        {
            return loaded;
        }

        await using var load = new NpgsqlCommand(
            $"select {ColumnList(states)} from {Physical(states.Name)} where {states.StreamColumn} = any($1)", connection)
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

    private async Task<NpgsqlBinaryImporter> BeginCopy<TRow>(NpgsqlConnection connection, ReadTable<TRow> table, CancellationToken ct)
        where TRow : class =>
        await connection.BeginBinaryImportAsync($"copy {Physical(table.Name)} ({ColumnList(table)}) from stdin (format binary)", ct);

    private async Task Copy<TRow>(NpgsqlConnection connection, ReadTable<TRow> table, IReadOnlyCollection<TRow> rows, CancellationToken ct)
        where TRow : class
    {
        if (rows.Count == 0)
        {
            return;
        }

        await using var importer = await BeginCopy(connection, table, ct);
        await Write(importer, table, rows, ct);
        await importer.CompleteAsync(ct);
    }

    private static async Task Write<TRow>(NpgsqlBinaryImporter importer, ReadTable<TRow> table, IReadOnlyCollection<TRow> rows, CancellationToken ct)
        where TRow : class
    {
        foreach (var row in rows)
        {
            await importer.StartRowAsync(ct);
            foreach (var column in table.Columns)
            {
                await column.Write(importer, row, ct);
            }
        }
    }

    private string? Create<TRow>(ReadTable<TRow>? table)
        where TRow : class => table is null
        ? null
        : $"create table {Physical(table.Name)} ({string.Join(", ", table.Columns.Select(column => $"{column.Name} {column.SqlType}"))}, " +
          $"constraint {table.Name}_b{Build}_pk primary key ({table.PrimaryKey})){(table.Storage.Length == 0 ? "" : $" with ({table.Storage})")};";

    private IEnumerable<string> Indexes<TRow>(ReadTable<TRow>? table)
        where TRow : class =>
        (table?.Indexes ?? []).Select(index => $"create index {table!.Name}_b{Build}_{index.Suffix} on {Physical(table.Name)} {index.On}");

    private static string ColumnList<TRow>(ReadTable<TRow> table)
        where TRow : class => string.Join(", ", table.Columns.Select(column => column.Name));

    /// <summary>The fold of a batch, or of a whole log: states by stream, new entries, and the streams that had to be parked.</summary>
    private sealed class Folding(Projection<TState, TEntry> projection, Dictionary<Guid, TState> states, IReadOnlySet<Guid> parkedBefore)
    {
        private readonly Dictionary<Guid, TState> states = new(states);
        private readonly HashSet<Guid> parkedNow = [];

        /// <summary>The states after the fold, by stream.</summary>
        public Dictionary<Guid, TState> States => states;

        /// <summary>The streams whose state is another one than before.</summary>
        public HashSet<Guid> Changed { get; } = [];

        /// <summary>The entries added and not yet taken.</summary>
        public List<TEntry> Entries { get; } = [];

        /// <summary>The streams that had to be parked.</summary>
        public List<ParkedStream> Parked { get; } = [];

        /// <summary>Whether a projection has to look at an event: it applies it, or nobody can read it.</summary>
        public static bool Concerns(Projection projection, RecordedEvent recorded) =>
            recorded.Data is UnreadableEvent || projection.Applies(recorded.Data);

        public IReadOnlyCollection<TState> ChangedStates() =>
            [.. Changed.Select(stream => states.GetValueOrDefault(stream)).OfType<TState>()];

        public void Fold(RecordedEvent recorded)
        {
            var stream = recorded.StreamId;
            if (!Concerns(projection, recorded) || parkedBefore.Contains(stream) || parkedNow.Contains(stream))
            {
                return;
            }

            Evolution<TState, TEntry> evolved;
            var before = states.GetValueOrDefault(stream);
            try
            {
                if (recorded.Data is UnreadableEvent unreadable)
                {
                    throw new LogCorruptException(unreadable.Error);
                }

                evolved = projection.Evolve(before, recorded);
            }
            catch (Exception poison) when (poison is not OperationCanceledException)
            {
                parkedNow.Add(stream);
                Parked.Add(new ParkedStream(stream, recorded.Position, $"{poison.GetType().Name}: {poison.Message}"));
                return;
            }

            Entries.AddRange(evolved.Entries);
            if (ReferenceEquals(evolved.State, before))
            {
                return;
            }

            Changed.Add(stream);
            if (evolved.State is null)
            {
                states.Remove(stream);
            }
            else
            {
                states[stream] = evolved.State;
            }
        }
    }
}

using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>
/// Makes the tables of a new build and fills them from the log. It comes stream by stream, so that nothing has to be remembered but the
/// stream at hand, however many there are. A table is filled in the transaction that makes it, with rows frozen from the beginning: no
/// vacuum has to touch them again, and no index build and no comparison either.
/// </summary>
internal sealed class FirstFill<TState, TEntry>(
    ProjectionBuild build, Projection<TState, TEntry> projection, NpgsqlDataSource database, SideBySide indexing)
    where TState : class
    where TEntry : class
{
    private readonly StateTable<TState>? states = projection.States;
    private readonly ReadTable<TEntry>? entries = projection.Entries;
    private readonly DailyTotals<TEntry>? totals = projection.Totals;
    private readonly Dictionary<TotalKey, Total> sums = [];
    private readonly Folding<TState, TEntry> folding = new(projection, [], new HashSet<Guid>());

    /// <summary>Fills the tables from the pages of the log, which come in the order of streams and versions.</summary>
    /// <returns>The streams that had to be parked.</returns>
    public async Task<IReadOnlyList<ParkedStream>> Run(IAsyncEnumerable<IReadOnlyList<RecordedEvent>> pages, CancellationToken ct)
    {
        await using var forEntries = new Session(database, Create(entries));
        await using var forStates = new Session(database, Create(states) + Create(totals));
        await Fold(pages, forEntries, forStates, ct);
        await forEntries.Commit(ct);
        StartIndexes(entries);
        if (totals is not null)
        {
            await TotalsTable.Upsert(await forStates.Open(ct), build.Physical(totals.Name), sums, ct);
        }

        await forStates.Commit(ct);
        StartIndexes(states);
        if (totals is not null)
        {
            indexing.Start([], $"analyze {build.Physical(totals.Name)}");
        }

        return folding.Parked;
    }

    private async Task Fold(
        IAsyncEnumerable<IReadOnlyList<RecordedEvent>> pages, Session forEntries, Session forStates, CancellationToken ct)
    {
        await using var entryRows = await Begin(entries, forEntries, ct);
        await using var stateRows = await Begin(states, forStates, ct);
        await foreach (var page in pages.WithCancellation(ct))
        {
            if (page is not [.., var last])
            {
                continue;
            }

            folding.Fold(page);
            await Write(entryRows, folding.Entries, ct);
            if (totals is not null)
            {
                TotalsTable.Add(sums, totals, folding.Entries);
            }

            folding.Entries.Clear();
            await Write(stateRows, folding.TakeStatesBut(last.StreamId), ct);
        }

        await Write(stateRows, folding.States.Values, ct);
        await End(entryRows, ct);
        await End(stateRows, ct);
    }

    private async Task<TableCopy<TRow>?> Begin<TRow>(ReadTable<TRow>? table, Session session, CancellationToken ct)
        where TRow : class => table is null
        ? null
        : await TableCopy<TRow>.Begin(await session.Open(ct), table, build.Physical(table.Name), isNew: true, ct);

    private static async Task Write<TRow>(TableCopy<TRow>? copy, IReadOnlyCollection<TRow> rows, CancellationToken ct)
        where TRow : class
    {
        if (copy is not null)
        {
            await copy.Write(rows, ct);
        }
    }

    private static async Task End<TRow>(TableCopy<TRow>? copy, CancellationToken ct)
        where TRow : class
    {
        if (copy is not null)
        {
            await copy.End(ct);
        }
    }

    private string Create<TRow>(ReadTable<TRow>? table)
        where TRow : class => table is null
        ? ""
        : $"create table {build.Physical(table.Name)} "
          + $"({string.Join(", ", table.Columns.Select(static column => $"{column.Name} {column.SqlType}"))})"
          + $"{(table.Storage.Length == 0 ? "" : $" with ({table.Storage})")};";

    private string Create(DailyTotals<TEntry>? table) => table is null ? "" : TotalsTable.Create(build.Physical(table.Name));

    private void StartIndexes<TRow>(ReadTable<TRow>? table)
        where TRow : class
    {
        if (table is null)
        {
            return;
        }

        var (name, key) = (build.Physical(table.Name), $"{table.Name}_b{build.Build}_pk");
        var indexes = table.Indexes
            .OrderByDescending(static index => index.On.StartsWith("using gin", StringComparison.Ordinal)) // they take longest
            .Select(index => $"create index {table.Name}_b{build.Build}_{index.Suffix} on {name} {index.On}")
            .Append($"create unique index {key} on {name} ({table.PrimaryKey})");
        indexing.Start(indexes, $"alter table {name} add constraint {key} primary key using index {key}; analyze {name}");
    }

    /// <summary>
    /// A connection with a transaction in which tables are made and filled; opened when it is needed, given back when it is done.
    /// </summary>
    private sealed class Session(NpgsqlDataSource database, string tables) : IAsyncDisposable
    {
        private NpgsqlConnection? connection;
        private NpgsqlTransaction? transaction;

        public async Task<NpgsqlConnection> Open(CancellationToken ct)
        {
            if (connection is not null)
            {
                return connection;
            }

            connection = await database.OpenConnectionAsync(ct);
            transaction = await connection.BeginTransactionAsync(ct);

            // One COPY lasts as long as the log takes to read: minutes. The switch, later, is what makes the build durable.
            await using var make = new NpgsqlCommand(
                $"set local statement_timeout = 0; set local synchronous_commit = off; {tables}", connection);
            await make.ExecuteNonQueryAsync(ct);
            return connection;
        }

        public async Task Commit(CancellationToken ct)
        {
            await Open(ct);
            if (transaction is not null)
            {
                await transaction.CommitAsync(ct);
            }

            await DisposeAsync();
        }

        public async ValueTask DisposeAsync()
        {
            if (connection is not null && transaction is not null)
            {
                await transaction.DisposeAsync();
                await connection.DisposeAsync();
                (connection, transaction) = (null, null);
            }
        }
    }
}

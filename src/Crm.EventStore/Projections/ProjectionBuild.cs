using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

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

    /// <summary>The tables that hold rows of single streams, each with the column that says of which.</summary>
    public abstract IReadOnlyList<(string Name, string StreamColumn)> TablesOfStreams { get; }

    /// <summary>The columns of a table, for its view.</summary>
    public abstract string ColumnsOf(string name);

    /// <summary>The physical name of a table in this build.</summary>
    public string Physical(string name) => $"crm_read.{name}_b{Build}";

    /// <summary>Folds a batch into the tables, inside the caller's transaction.</summary>
    /// <param name="connection">The connection whose transaction also moves the checkpoint.</param>
    /// <param name="events">The events in order.</param>
    /// <param name="parked">The streams that are parked: their events are passed over, until one of them rewrites the stream.</param>
    /// <param name="log">Where a stream that is rewritten is read anew.</param>
    /// <param name="ct">Cancels.</param>
    public abstract Task<Applied> Apply(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, IReadOnlySet<Guid> parked, EventLog log, CancellationToken ct);

    /// <summary>Deletes the rows of streams, inside the caller's transaction.</summary>
    public abstract Task Forget(NpgsqlConnection connection, Guid[] streams, CancellationToken ct);

    /// <summary>Compares what stands of a stream with what a fold of its history gives, inside the caller's transaction.</summary>
    /// <param name="connection">The connection; temporary tables are made in its transaction.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="history">The stream's events, up to where the build is.</param>
    /// <param name="ct">Cancels.</param>
    public abstract Task<IReadOnlyList<StreamRows>> Compare(
        NpgsqlConnection connection, Guid stream, IReadOnlyList<RecordedEvent> history, CancellationToken ct);

    /// <summary>
    /// Makes the tables and fills them from pages of the log, folding in memory and writing by <c>COPY</c>. The indexes of a table are
    /// begun as soon as it is filled.
    /// </summary>
    /// <param name="database">Where the tables are made.</param>
    /// <param name="pages">The pages of the log, in the order of streams and versions.</param>
    /// <param name="indexing">Builds the indexes meanwhile; the caller waits for it.</param>
    /// <param name="ct">Cancels: what was made has to be dropped.</param>
    /// <returns>The streams that had to be parked.</returns>
    public abstract Task<IReadOnlyList<ParkedStream>> Fill(
        NpgsqlDataSource database, IAsyncEnumerable<IReadOnlyList<RecordedEvent>> pages, SideBySide indexing, CancellationToken ct);

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

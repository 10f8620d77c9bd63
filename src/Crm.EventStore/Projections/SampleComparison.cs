using Crm.EventStore.Log;
using Npgsql;

namespace Crm.EventStore.Projections;

/// <summary>Folds some streams anew, and says of which the live tables show something else, row for row and to the last digit.</summary>
internal sealed class SampleComparison<TState, TEntry>(Projection<TState, TEntry> projection, long build)
    where TState : class
    where TEntry : class
{
    private readonly ProjectionBuild<TState, TEntry> live = new(projection, build);
    private readonly HashSet<Guid> differing = [];

    /// <summary>Compares inside the caller's transaction, which has to be one snapshot and is to be rolled back.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="events">All events of the streams up to the live build's position, in the order of the log.</param>
    /// <param name="streams">The streams.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<IReadOnlyCollection<Guid>> Differing(
        NpgsqlConnection connection, IReadOnlyList<RecordedEvent> events, Guid[] streams, CancellationToken ct)
    {
        var folding = new Folding<TState, TEntry>(projection, [], new HashSet<Guid>());
        folding.Fold(events);
        differing.UnionWith(folding.Parked.Select(static parked => parked.StreamId));
        if (projection.States is { } states)
        {
            await Compare(connection, states, folding.ChangedStates(), streams, events, ct);
        }

        if (projection.Entries is { } entries)
        {
            await Compare(connection, entries, folding.Entries, streams, events, ct);
        }

        return differing;
    }

    private async Task Compare<TRow>(
        NpgsqlConnection connection, ReadTable<TRow> table, IReadOnlyCollection<TRow> anew, Guid[] streams,
        IReadOnlyList<RecordedEvent> events, CancellationToken ct)
        where TRow : class
    {
        var physical = live.Physical(table.Name);
        var sample = $"sample_of_{table.Name}";
        await using (var make = new NpgsqlCommand($"create temporary table {sample} (like {physical}) on commit drop", connection))
        {
            await make.ExecuteNonQueryAsync(ct);
        }

        await using (var copy = await TableCopy<TRow>.Begin(connection, table, sample, isNew: false, ct))
        {
            await copy.Write(anew, ct);
            await copy.End(ct);
        }

        var stream = table.StreamColumn;

        // A ledger's rows are reached by the positions of the streams' events.
        var byPosition = table.PrimaryKey.StartsWith("position, ", StringComparison.Ordinal) ? " and position = any($2)" : "";
        string Rows(string from, string where) =>
            $"select {stream} as stream, row({table.ColumnList})::text as content, count(*) as times from {from}{where} group by 1, 2";
        await using var compare = new NpgsqlCommand(
            $"""
            select distinct coalesce(here.stream, anew.stream)
            from ({Rows(physical, $" where {stream} = any($1){byPosition}")}) here
            full join ({Rows(sample, "")}) anew
                on here.stream = anew.stream and here.content = anew.content and here.times = anew.times
            where here.stream is null or anew.stream is null
            """,
            connection);
        compare.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = streams });
        if (byPosition.Length > 0)
        {
            compare.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. events.Select(static recorded => recorded.Position)] });
        }

        await using var reader = await compare.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            differing.Add(reader.GetGuid(0));
        }
    }
}

using System.Globalization;
using System.Runtime.CompilerServices;
using Npgsql;

namespace Crm.Projections;

public sealed partial class LeadBoard
{
    /// <summary>A page of the list.</summary>
    /// <param name="database">The read models.</param>
    /// <param name="query">The list.</param>
    /// <param name="visible">Whose leads it may show.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="BadCursorException">The cursor is none, or belongs to another list.</exception>
    public static async Task<LeadPage> Page(NpgsqlDataSource database, LeadQuery query, Visibility visible, CancellationToken ct)
    {
        var fingerprint = query.Fingerprint(visible);
        var after = query.Cursor is null ? null : Cursor.Read(query.Cursor, fingerprint);
        var limit = Math.Clamp(query.Limit, 1, LeadQuery.MostPerPage);
        var select = LeadSelect.Of(query, visible, after, limit + 1, await WayOf(database, query, limit + 1, ct));

        await using var connection = await database.OpenConnectionAsync(ct);
        await using var batch = new NpgsqlBatch(connection)
        {
            // A plan for whatever values may come would be wrong for rare and for frequent ones alike. Holds to the end of this batch.
            BatchCommands =
            {
                new NpgsqlBatchCommand("select set_config('plan_cache_mode', 'force_custom_plan', true)"),
                Reached.By(query.AsOf.IsNow ? "lead_board" : "lead_history"),
                select,
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(ct);
        await reader.NextResultAsync(ct);
        var position = await reader.ReadAsync(ct) ? reader.GetInt64(0) : 0;
        await reader.NextResultAsync(ct);
        var rows = new List<LeadRow>(limit + 1);
        while (await reader.ReadAsync(ct))
        {
            rows.Add(LeadColumns.Read(reader));
        }

        if (rows.Count <= limit)
        {
            return new LeadPage(rows, null, position);
        }

        rows.RemoveAt(limit);
        return new LeadPage(rows, new Cursor(KeyOf(query.Sort, rows[^1]), rows[^1].LeadId.ToString("D")).Write(fingerprint), position);
    }

    /// <summary>All leads of the list in its order, streamed from one statement and so of one moment; no limit, no cursor.</summary>
    public static async IAsyncEnumerable<LeadRow> Export(
        NpgsqlDataSource database, LeadQuery query, Visibility visible, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand("select set_config('statement_timeout', '3600000', true)"),
                LeadSelect.Of(query, visible, after: null, limit: null),
            },
            Timeout = 3_600,
        };
        await using var reader = await batch.ExecuteReaderAsync(ct);
        await reader.NextResultAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            yield return LeadColumns.Read(reader);
        }
    }

    /// <summary>One lead's row on the board; null where there is none.</summary>
    public static async Task<LeadRow?> Find(NpgsqlDataSource database, Guid leadId, CancellationToken ct)
    {
        await using var command = database.CreateCommand($"select {LeadColumns.List} from crm_read.lead_board where lead_id = $1");
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = leadId });
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await reader.ReadAsync(ct) ? LeadColumns.Read(reader) : null;
    }

    /// <summary>Which of these leads somebody may see today; one that is not on the board is not among them.</summary>
    public static async Task<IReadOnlySet<Guid>> WhichAreVisible(
        NpgsqlDataSource database, Guid[] leadIds, Visibility visible, CancellationToken ct)
    {
        await using var batch = database.CreateBatch();
        batch.BatchCommands.Add(VisibleOf(leadIds, visible));
        var found = new HashSet<Guid>();
        await using var reader = await batch.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
            found.Add(reader.GetGuid(0));
        }

        return found;
    }

    internal static NpgsqlBatchCommand VisibleOf(Guid[] leadIds, Visibility visible)
    {
        var command = new NpgsqlBatchCommand(
            "select b.lead_id from crm_read.lead_board b where b.lead_id = any($1)"
            + (visible.IsAll ? "" : $" and {Visibility.Condition("lead_board", "b", "$2")}"));
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = leadIds });
        if (!visible.IsAll)
        {
            command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = visible.Owners });
        }

        return command;
    }

    private static async Task<SearchWay?> WayOf(NpgsqlDataSource database, LeadQuery query, int rows, CancellationToken ct)
    {
        if (!query.AsOf.IsNow || query is { Q: not { Length: > 0 }, Tag: null })
        {
            return null;
        }

        var sample = await SearchSample.Of(database, ct);
        var narrowing = NarrowingOf(query);
        return query.Q is { Length: > 0 } q ? sample.WayTo(SearchNeedle.Of(q), rows, query.Tag is null ? narrowing : 3 * narrowing)
            : query.Tag is { } tag && sample.IsFrequent(tag, rows, narrowing) ? SearchWay.Walk
            : null;
    }

    // How much rarer what is searched for becomes by the other filters is not known; a guess keeps a walk from being taken for short.
    private static double NarrowingOf(LeadQuery query)
    {
        bool[] filters =
        [
            query.Status is not null, query.Temperature is not null, query.OwnerId is not null, query.Source is not null,
            query.Archived is true, query.CreatedFrom is not null, query.CreatedTo is not null,
            query.MinScore is not null, query.Cursor is not null,
        ];
        return Math.Pow(3, filters.Count(static filter => filter));
    }

    private static string KeyOf(LeadSort sort, LeadRow row) => sort switch
    {
        LeadSort.CreatedAt => row.CreatedAt.UtcTicks.ToString(CultureInfo.InvariantCulture),
        LeadSort.UpdatedAt => row.UpdatedAt.UtcTicks.ToString(CultureInfo.InvariantCulture),
        LeadSort.Score => row.Lead.Score.ToString(CultureInfo.InvariantCulture),
        LeadSort.Value => LeadColumns.ValueKey(row).ToString(CultureInfo.InvariantCulture),
        LeadSort.LastName => LeadColumns.LastNameKey(row),
        LeadSort.Company => LeadColumns.CompanyKey(row),
    };
}

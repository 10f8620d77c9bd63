using System.Globalization;
using System.Text;
using Crm.Domain.Leads;
using Npgsql;
using NpgsqlTypes;

namespace Crm.Projections;

/// <summary>
/// The statement of a list of leads. Its text is put together from literals only; every value is a parameter. A list of now reads
/// <c>lead_board</c>; one as of a moment reads the open and the closed versions of <c>lead_history</c>, each in the list's order.
/// </summary>
internal sealed class LeadSelect
{
    // The board holds no lead whose person was erased; the history does, without the values.
    private const string Shown = "not b.is_erased";

    private static readonly string[] Columns =
        [.. LeadColumns.List.Split(", ").Concat(["last_name_key", "company_key", "value_key"]).Select(column => $"b.{column}")];

    private readonly NpgsqlBatchCommand command = new();
    private readonly List<string> conditions = [];
    private readonly LeadQuery query;
    private readonly Visibility visible;
    private readonly SearchWay? way;
    private bool searches;
    private string? gathered;
    private string? owners;

    private LeadSelect(LeadQuery query, Visibility visible, SearchWay? way) => (this.query, this.visible, this.way) = (query, visible, way);

    /// <summary>The statement.</summary>
    /// <param name="query">The list.</param>
    /// <param name="visible">Whose leads it may show.</param>
    /// <param name="after">The row after which it goes on; null from the first.</param>
    /// <param name="limit">How many rows at most; null for all.</param>
    /// <param name="way">How a search of the board goes about it; null leaves it to the planner.</param>
    public static NpgsqlBatchCommand Of(LeadQuery query, Visibility visible, Cursor? after, int? limit, SearchWay? way = null)
    {
        var select = new LeadSelect(query, visible, way);
        select.AddFilters();
        select.AddSearch();
        if (after is not null)
        {
            select.AddAfter(after);
        }

        select.command.CommandText = select.Text(limit is { } most ? $" limit {select.Parameter(most, NpgsqlDbType.Integer)}" : "");
        return select.command;
    }

    private string SortColumn => query.Sort switch
    {
        LeadSort.CreatedAt => "created_at",
        LeadSort.UpdatedAt => "updated_at",
        LeadSort.Score => "score",
        LeadSort.Value => "value_key",
        LeadSort.LastName => "last_name_key",
        LeadSort.Company => "company_key",
    };

    private string Text(string limit)
    {
        var direction = query.Descending ? "desc" : "asc";
        var order = $" order by {SortColumn} {direction}, lead_id {direction}";
        if (query.AsOf.IsNow)
        {
            return gathered + From("lead_board", visible.IsAll ? [] : [OwnedVisibly("lead_board", "b")]) + order + limit;
        }

        var (open, closed) = Validity();
        if (!visible.IsAll)
        {
            // Whatever moment is shown, the owner of today decides: the one of the version that holds now.
            open = [OwnedVisibly("lead_history", "b"), .. open];
            closed =
            [
                $"exists (select from crm_read.lead_history_open t where t.lead_id = b.lead_id and {OwnedVisibly("lead_history", "t")})",
                .. closed,
            ];
        }

        return $"select {LeadColumns.List} from (({From("lead_history_open", open)}{order}{limit}) union all "
            + $"({From("lead_history_closed", closed)}{order}{limit})) as version{order}{limit}";
    }

    private string OwnedVisibly(string projection, string table)
    {
        owners ??= Parameter(visible.Owners, NpgsqlDbType.Array | NpgsqlDbType.Uuid);
        return Visibility.Condition(projection, table, owners);
    }

    private (string[] Open, string[] Closed) Validity()
    {
        if (query.AsOf.Time is { } time)
        {
            var at = Parameter(time, NpgsqlDbType.TimestampTz);

            // The second condition follows from the first; it is what bounds a walk by time of capture.
            string[] begun = [$"b.updated_at <= {at}", $"b.created_at <= {at}", Shown];
            return (begun, [.. begun, $"b.valid_to > {at}"]);
        }

        var position = Parameter(query.AsOf.Position ?? 0, NpgsqlDbType.Bigint);
        string[] recorded = [$"b.position <= {position}", Shown];
        return (recorded, [.. recorded, $"b.to_position > {position}"]);
    }

    private string From(string table, string[] further)
    {
        var text = new StringBuilder("select ");
        text.AppendJoin(", ", Columns);
        text.Append(CultureInfo.InvariantCulture, $" from crm_read.{table} b");
        if (searches)
        {
            var texts = gathered is null ? "crm_read.lead_search" : "gathered";
            text.Append(CultureInfo.InvariantCulture, $" join {texts} s on s.lead_id = b.lead_id and s.version = b.search_version");
        }

        var all = conditions.Concat(further).ToList();
        if (all is not [])
        {
            text.Append(" where ").AppendJoin(" and ", all);
        }

        return text.ToString();
    }

    private void AddFilters()
    {
        if (query.Status is { } status)
        {
            conditions.Add($"b.status = {Parameter(Words.Of(status), NpgsqlDbType.Text)}");
        }

        if (query.Temperature is { } temperature)
        {
            var (from, to) = ScoresOf(temperature);
            conditions.Add($"b.score between {Parameter(from, NpgsqlDbType.Integer)} and {Parameter(to, NpgsqlDbType.Integer)}");
        }

        if (query.OwnerId is { } owner)
        {
            conditions.Add($"b.owner_id = {Parameter(owner, NpgsqlDbType.Uuid)}");
        }

        if (query.Source is { } source)
        {
            conditions.Add($"b.source = {Parameter(source, NpgsqlDbType.Text)}");
        }

        if (query.Archived is { } archived)
        {
            conditions.Add(archived ? "b.is_archived" : "not b.is_archived");
        }

        if (query.CreatedFrom is { } from1)
        {
            conditions.Add($"b.created_at >= {Parameter(Times.ToMicroseconds(from1), NpgsqlDbType.TimestampTz)}");
        }

        if (query.CreatedTo is { } to1)
        {
            conditions.Add($"b.created_at <= {Parameter(Times.ToMicroseconds(to1), NpgsqlDbType.TimestampTz)}");
        }

        if (query.MinScore is { } least)
        {
            conditions.Add($"b.score >= {Parameter(least, NpgsqlDbType.Integer)}");
        }
    }

    private void AddSearch()
    {
        if (query.Tag is { } tag)
        {
            // On a walk the board's own row says it; the index stands on the other table.
            var walks = way is { Walks: true };
            searches |= !walks;
            conditions.Add($"{(walks ? "b" : "s")}.tags @> {Parameter<string[]>([tag], NpgsqlDbType.Array | NpgsqlDbType.Text)}");
        }

        if (query.Q is { Length: > 0 } q)
        {
            searches = true;
            AddText(q);
        }
    }

    private void AddText(string q)
    {
        if (way is null || !query.AsOf.IsNow)
        {
            conditions.Add($"s.text like {Parameter(SearchNeedle.Pattern(q), NpgsqlDbType.Text)}");
            return;
        }

        // Compared in a way that no index serves: which one is asked, and for what, is settled.
        var compared = $"strpos(s.text, {Parameter(SearchNeedle.Of(q), NpgsqlDbType.Text)}) > 0";
        if (way.Walks)
        {
            conditions.Add(compared);
            return;
        }

        var parts = way.Parts.Select(part => $"s.text like {Parameter($"%{part}%", NpgsqlDbType.Text)}");
        gathered = "with gathered as materialized (select s.lead_id, s.version, s.tags from crm_read.lead_search s "
            + $"where {string.Join(" and ", parts)} and {compared}) ";
    }

    private void AddAfter(Cursor after)
    {
        var than = query.Descending ? "<" : ">";
        var key = query.Sort switch
        {
            LeadSort.CreatedAt or LeadSort.UpdatedAt => Parameter(TimeOf(after.Key), NpgsqlDbType.TimestampTz),
            LeadSort.Score => Parameter(Cursor.Parse<int>(after.Key), NpgsqlDbType.Integer),
            LeadSort.Value => Parameter(Cursor.Parse<decimal>(after.Key), NpgsqlDbType.Numeric),
            LeadSort.LastName or LeadSort.Company => Parameter(after.Key, NpgsqlDbType.Text),
        };
        conditions.Add($"(b.{SortColumn}, b.lead_id) {than} ({key}, {Parameter(Cursor.Parse<Guid>(after.Id), NpgsqlDbType.Uuid)})");
    }

    private static DateTimeOffset TimeOf(string ticks)
    {
        var parsed = Cursor.Parse<long>(ticks);
        return parsed >= 0 && parsed <= DateTimeOffset.MaxValue.Ticks
            ? new DateTimeOffset(parsed, TimeSpan.Zero)
            : throw new BadCursorException("This is no cursor.");
    }

    private static (int From, int To) ScoresOf(Temperature temperature) => temperature switch
    {
        Temperature.Cold => (0, 39),
        Temperature.Cool => (40, 59),
        Temperature.Warm => (60, 79),
        Temperature.Hot => (80, 100),
    };

    private string Parameter<T>(T value, NpgsqlDbType type)
    {
        command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value, NpgsqlDbType = type });
        return $"${command.Parameters.Count}";
    }
}

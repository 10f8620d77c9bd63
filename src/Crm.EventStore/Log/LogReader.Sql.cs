namespace Crm.EventStore.Log;

// The statements: specifications have the database explain each.
internal sealed partial class LogReader
{
    public const string StreamSql =
        $"{StoredEvent.Select} where e.stream_id = $1 and e.version between $2 and $3 order by e.version";

    public const string StreamAsOfSql =
        $"""
        {StoredEvent.Select}
        where e.stream_id = $1 and e.version < coalesce(
            (select l.version from crm.mt_events l where l.stream_id = $1 and l.timestamp > $2 order by l.version limit 1),
            9223372036854775807)
        order by e.version
        """;

    public const string StreamUpToSql =
        $"{StoredEvent.Select} where e.stream_id = $1 and e.seq_id <= $2 order by e.version";

    public const string AfterSql =
        $"{StoredEvent.Select} where e.seq_id > $1 order by e.seq_id limit $2";

    // Once a count has shown that a position is missing: each position is looked for behind the one before, from the beginning.
    public const string FirstHoleSql =
        """
        select e.position + 1
        from (select seq_id as position from crm.mt_events union all select 0) e
        where e.position < (select max(seq_id) from crm.mt_events)
          and not exists (select from crm.mt_events n where n.seq_id = e.position + 1)
        order by 1 limit 1
        """;

    public const string LastSql = "select coalesce(max(seq_id), 0) from crm.mt_events";

    // Bisection: recorded times never run backwards along the positions, and the positions have no hole to fall into.
    public const string PositionAtSql =
        """
        with recursive search (low, high) as (
            select 0::bigint, (select coalesce(max(seq_id), 0) from crm.mt_events)
            union all
            select case when m.recorded_at <= $1 then m.seq_id else s.low end,
                case when m.recorded_at <= $1 then s.high else m.seq_id - 1 end
            from search s
            cross join lateral (
                select e.seq_id, (e.headers ->> 'recordedAt')::timestamptz as recorded_at
                from crm.mt_events e where e.seq_id = (s.low + s.high + 1) / 2) m
            where s.low < s.high)
        select low from search where low = high
        """;

    public const string HolderSql = "select stream_id from crm.unique_keys where scope = $1 and key = $2";

    public const string HoldersSql = "select key, stream_id from crm.unique_keys where scope = $1 and key = any($2)";

    public const string HeldSql = "select scope, key, stream_id from crm.unique_keys where stream_id = $1 order by scope, key";

    public const string StreamIdsSql = "select id from crm.mt_streams where type = $1 and id > $2 order by id limit $3";

    public const string StreamsSql =
        $"{StoredEvent.Select} where e.stream_id = any($1) order by e.stream_id, e.version";

    public const string ReceiptSql =
        """
        select request_hash, status, stream_id, version, event_types, body, position, recorded_at
        from crm.receipts where caller = $1 and key = $2
        """;

    public const string BookmarkSql = "select value from crm.bookmarks where scope = $1 and key = $2";
}

namespace Crm.Application.Integrity;

/// <summary>The statements of <see cref="LogChecks"/>, each over one page.</summary>
internal static class LogCheckSql
{
    // Times are compared as text: the log writes them in one fixed form, and whatever else stands there must not stop the check.
    public const string Events =
        """
        select count(*),
            count(*) filter (where backwards), (array_agg(seq_id order by seq_id) filter (where backwards))[1:10],
            count(*) filter (where orphan), (array_agg(seq_id order by seq_id) filter (where orphan))[1:10],
            count(*) filter (where activity),
            count(*) filter (where bad_kind), (array_agg(seq_id order by seq_id) filter (where bad_kind))[1:10],
            count(*) filter (where bad_direction), (array_agg(seq_id order by seq_id) filter (where bad_direction))[1:10],
            count(*) filter (where bad_time), (array_agg(seq_id order by seq_id) filter (where bad_time))[1:10]
        from (
            select e.seq_id,
                coalesce(e.headers ->> 'recordedAt' < lag(e.headers ->> 'recordedAt') over (order by e.seq_id), false)
                    or e.headers ->> 'recordedAt' is null as backwards,
                s.id is null as orphan,
                e.type = 'lead-activity-logged' as activity,
                e.type = 'lead-activity-logged'
                    and coalesce(e.data ->> 'kind', '') not in ('call', 'email', 'meeting', 'sms', 'visit') as bad_kind,
                e.type = 'lead-activity-logged' and coalesce(e.data ->> 'direction', '') not in ('in', 'out') as bad_direction,
                e.type = 'lead-activity-logged' and (e.data ->> 'at' is null or e.data ->> 'activityId' is null) as bad_time
            from crm.mt_events e left join crm.mt_streams s on s.id = e.stream_id
            where e.seq_id between $1 and $2) page
        where seq_id >= $3
        """;

    // Few streams have no key: what is sealed is looked for in those alone.
    public const string Keyless =
        """
        select stream_id from crm.mt_events e
        where seq_id between $1 and $2 and not exists (select from crm.subject_keys k where k.stream_id = e.stream_id)
            and (jsonb_path_exists(data, '$.**.sealed') or coalesce(headers ? 'sealed', false))
        group by stream_id order by min(seq_id)
        """;

    public const string Missing =
        """
        select place from generate_series($1::bigint, $2::bigint) place
        where not exists (select from crm.mt_events e where e.seq_id = place) order by place limit 10
        """;

    public const string Streams =
        """
        select count(*), (array_agg(id order by id desc))[1],
            count(*) filter (where bad), (array_agg(id order by id) filter (where bad))[1:10]
        from (
            select s.id, e.events = 0 or e.events <> e.last or e.first <> 1 or s.version is distinct from e.last as bad
            from (select id, version from crm.mt_streams where id > $1 order by id limit $2) s
            cross join lateral (
                select count(*) as events, coalesce(min(version), 0) as first, coalesce(max(version), 0) as last
                from crm.mt_events where stream_id = s.id) e) page
        """;

    public const string End =
        """
        select (select coalesce(max(seq_id), 0) from crm.mt_events), (select position from crm.log_counter),
            (select count(*) from crm.mt_streams)
        """;
}

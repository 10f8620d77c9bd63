-- Personal data stand in the log sealed, under a key for each stream that holds such. Its key stands here, wrapped by a master key that the
-- database never sees. A key that is destroyed stays as a row without one: what it sealed is erased. No row for a stream that holds sealed
-- data means that its key was lost, which is another thing.
create table crm.subject_keys (
    stream_id uuid primary key,
    wrapped bytea,
    -- which master key wrapped it; empty for a stream that was erased before it had a key
    master_key text not null,
    created_at timestamptz not null,
    destroyed_at timestamptz,
    check ((wrapped is null) = (destroyed_at is not null))
);

-- The master keys that have wrapped anything here. Proof: a box that this key alone opens, so that a host with another is told before it
-- reads or seals anything.
create table crm.master_keys (
    id text primary key,
    proof bytea not null,
    first_used_at timestamptz not null default clock_timestamp(),
    retired_at timestamptz
);

-- Never deleted: neither erasing nor rotating needs it.
grant select, insert, update on crm.subject_keys, crm.master_keys to crm_app;

-- The narrow path with the keys of streams: otherwise as crm.append_v2, which hosts of the version before call.
create function crm.append_v3(
    -- streams that begin
    new_id uuid[], new_type varchar[], new_version bigint[],
    -- streams that go on
    old_id uuid[], old_expected bigint[], old_version bigint[],
    event_stream uuid[], event_version bigint[], event_id uuid[], event_type varchar[], event_dotnet varchar[], event_data jsonb[],
    event_at timestamptz[], event_correlation varchar[], event_causation varchar[],
    -- JSON text that is open at its end, such as {"actor":"x", so that recordedAt can be written into it
    event_headers text[],
    -- events: how many events the batch holds up to and including the receipt's command; types: joined by a space
    receipt_events int[], receipt_caller text[], receipt_key text[], receipt_hash bytea[], receipt_status int[], receipt_stream uuid[],
    receipt_version bigint[], receipt_types text[], receipt_body text[],
    claim_scope text[], claim_key text[], claim_stream uuid[],
    -- the keys of streams that seal their first event here
    key_stream uuid[], key_wrapped bytea[], key_master text[],
    -- the position before the batch's first event, null when nothing was done; when it was recorded
    out base bigint, out recorded timestamptz)
language plpgsql
as $$
declare
    stamp text;
    events int := cardinality(event_id);
begin
    if exists (select from (select unnest(new_id) as id) n where exists (select from crm.mt_streams s where s.id = n.id))
        or exists (
            select from (select unnest(receipt_caller) as caller, unnest(receipt_key) as key) t
            where exists (select from crm.receipts r where r.caller = t.caller and r.key = t.key))
        or exists (
            select from (select unnest(claim_scope) as scope, unnest(claim_key) as key) k
            where exists (select from crm.unique_keys u where u.scope = k.scope and u.key = k.key)) then
        return;
    end if;

    if cardinality(old_id) > 0 then
        perform from (
            select from (select unnest(old_id) as id, unnest(old_expected) as expected) o
            join crm.mt_streams s on s.id = o.id and s.version = o.expected
            for update of s skip locked) held
        having count(*) = cardinality(old_id);
        if not found then
            return;
        end if;

        update crm.mt_streams s set version = o.version, timestamp = clock_timestamp()
        from (select unnest(old_id) as id, unnest(old_version) as version) o
        where s.id = o.id;
    end if;

    -- In the order of the ids, so that two batches that begin the same streams wait for each other in one direction only.
    if cardinality(new_id) > 0 then
        insert into crm.mt_streams (id, type, version, timestamp, created)
        select n.id, n.type, n.version, clock_timestamp(), clock_timestamp()
        from (select unnest(new_id) as id, unnest(new_type) as type, unnest(new_version) as version) n
        order by n.id;
    end if;

    if cardinality(key_stream) > 0 then
        insert into crm.subject_keys (stream_id, wrapped, master_key, created_at)
        select unnest(key_stream), unnest(key_wrapped), unnest(key_master), clock_timestamp();
    end if;

    update crm.log_counter c set position = c.position + events, recorded_at = greatest(clock_timestamp(), c.recorded_at)
    returning c.position - events, c.recorded_at into strict base, recorded;

    if events > 0 then
        stamp := to_char(recorded at time zone 'UTC', '"\"recordedAt\":\""YYYY-MM-DD"T"HH24:MI:SS.US"Z\"}"');
        insert into crm.mt_events (seq_id, id, stream_id, version, data, type, timestamp, mt_dotnet_type, correlation_id, causation_id, headers)
        select base + e.place, e.id, e.stream, e.version, e.data, e.type, e.at, e.dotnet, e.correlation, e.causation,
            (e.headers || stamp)::jsonb
        from (select generate_series(1, events) as place, unnest(event_id) as id, unnest(event_stream) as stream,
                unnest(event_version) as version, unnest(event_data) as data, unnest(event_type) as type, unnest(event_at) as at,
                unnest(event_dotnet) as dotnet, unnest(event_correlation) as correlation, unnest(event_causation) as causation,
                unnest(event_headers) as headers) e;
    end if;

    if cardinality(receipt_key) > 0 then
        insert into crm.receipts (caller, key, request_hash, status, stream_id, version, event_types, body, position, recorded_at)
        select r.caller, r.key, r.hash, r.status, r.stream, r.version, string_to_array(r.types, ' '), r.body, base + r.events, recorded
        from (select unnest(receipt_caller) as caller, unnest(receipt_key) as key, unnest(receipt_hash) as hash,
                unnest(receipt_status) as status, unnest(receipt_stream) as stream, unnest(receipt_version) as version,
                unnest(receipt_types) as types, unnest(receipt_body) as body, unnest(receipt_events) as events) r;
    end if;

    if cardinality(claim_key) > 0 then
        insert into crm.unique_keys (scope, key, stream_id)
        select unnest(claim_scope), unnest(claim_key), unnest(claim_stream);
    end if;
end
$$;

-- The path with outcomes, with the keys of streams, and with their destruction in the very transaction of the event that records it:
-- otherwise as crm.append_v1, which hosts of the version before call.
create function crm.append_v4(
    -- streams that begin
    new_command int[], new_id uuid[], new_type varchar[], new_count int[],
    -- streams that go on, or whose version is only checked (count 0)
    old_command int[], old_id uuid[], old_expected bigint[], old_count int[],
    event_command int[], event_stream uuid[], event_version bigint[], event_id uuid[], event_type varchar[], event_dotnet varchar[],
    event_data jsonb[], event_at timestamptz[], event_correlation varchar[], event_causation varchar[],
    -- JSON text that is open at its end, such as {"actor":"x", so that recordedAt can be written into it
    event_headers text[],
    -- events: how many events the batch holds up to and including the receipt's command; types: joined by a space
    receipt_command int[], receipt_events int[], receipt_caller text[], receipt_key text[], receipt_hash bytea[],
    receipt_status int[], receipt_stream uuid[], receipt_version bigint[], receipt_types text[], receipt_body text[],
    -- from: the stream that gives the key up in the same command
    claim_command int[], claim_scope text[], claim_key text[], claim_stream uuid[], claim_from uuid[],
    release_command int[], release_scope text[], release_key text[], release_stream uuid[],
    bookmark_command int[], bookmark_scope text[], bookmark_key text[], bookmark_value text[],
    -- the keys of streams that seal their first event here; the streams whose key is destroyed
    key_command int[], key_stream uuid[], key_wrapped bytea[], key_master text[],
    erase_command int[], erase_stream uuid[],
    -- the position before the batch's first event; when it was recorded; what failed, null when nothing did
    out base bigint, out recorded timestamptz, out failures jsonb)
language plpgsql
as $$
declare
    locked uuid[];
    failed int[];
    failing jsonb;
    failing_commands int[];
    stamp text;
    appended bigint;
begin
    if cardinality(old_id) > 0 then
        select array_agg(held.id) into locked
        from (select s.id from crm.mt_streams s where s.id = any(old_id) order by s.id for update skip locked) held;
    end if;

    select c.position, greatest(clock_timestamp(), c.recorded_at) into strict base, recorded
    from crm.log_counter c for update;

    -- Each check adds to failures; the first entry of a command is its outcome.
    if cardinality(receipt_key) > 0 then
        select jsonb_agg(jsonb_build_object('command', t.command, 'outcome', 'done')), array_agg(t.command)
        into failures, failed
        from unnest(receipt_command, receipt_caller, receipt_key) as t(command, caller, key)
        where exists (select from crm.receipts r where r.caller = t.caller and r.key = t.key);
    end if;

    if cardinality(new_id) > 0 then
        select jsonb_agg(jsonb_build_object('command', t.command, 'outcome', 'version', 'stream', t.id, 'expected', 0, 'actual', t.actual)),
            array_agg(t.command)
        into failing, failing_commands
        from (select n.command, n.id, (select s.version from crm.mt_streams s where s.id = n.id) as actual
              from unnest(new_command, new_id) as n(command, id) offset 0) t
        where t.actual is not null;
        if failing is not null then
            failures := coalesce(failures, '[]') || failing;
            failed := failed || failing_commands;
        end if;
    end if;

    if cardinality(old_id) > 0 then
        select jsonb_agg(jsonb_build_object('command', t.command,
                'outcome', case when t.actual = t.expected then 'busy' else 'version' end,
                'stream', t.id, 'expected', t.expected, 'actual', t.actual)),
            array_agg(t.command)
        into failing, failing_commands
        from (select o.command, o.id, o.expected, coalesce((select s.version from crm.mt_streams s where s.id = o.id), 0) as actual
              from unnest(old_command, old_id, old_expected) as o(command, id, expected) offset 0) t
        where t.actual <> t.expected or (t.expected > 0 and (t.id = any(locked)) is not true);
        if failing is not null then
            failures := coalesce(failures, '[]') || failing;
            failed := failed || failing_commands;
        end if;
    end if;

    if cardinality(claim_key) > 0 then
        select jsonb_agg(jsonb_build_object('command', t.command, 'outcome', 'key', 'scope', t.scope, 'key', t.key,
                'stream', t.stream, 'holder', t.holder)),
            array_agg(t.command)
        into failing, failing_commands
        from (select k.*, (select u.stream_id from crm.unique_keys u where u.scope = k.scope and u.key = k.key) as holder
              from unnest(claim_command, claim_scope, claim_key, claim_stream, claim_from)
                  as k(command, scope, key, stream, leaver) offset 0) t
        where t.holder <> t.stream and t.holder is distinct from t.leaver;
        if failing is not null then
            failures := coalesce(failures, '[]') || failing;
            failed := failed || failing_commands;
        end if;
    end if;

    if cardinality(new_id) > 0 then
        insert into crm.mt_streams (id, type, version, timestamp, created)
        select n.id, n.type, n.count, recorded, recorded
        from unnest(new_command, new_id, new_type, new_count) as n(command, id, type, count)
        where failed is null or n.command <> all(failed);
    end if;

    if cardinality(old_id) > 0 then
        update crm.mt_streams s set version = s.version + o.count, timestamp = recorded
        from unnest(old_command, old_id, old_count) as o(command, id, count)
        where s.id = o.id and o.count > 0 and (failed is null or o.command <> all(failed));
    end if;

    if cardinality(event_id) > 0 then
        stamp := to_char(recorded at time zone 'UTC', '"\"recordedAt\":\""YYYY-MM-DD"T"HH24:MI:SS.US"Z\"}"');
        insert into crm.mt_events (seq_id, id, stream_id, version, data, type, timestamp, mt_dotnet_type, correlation_id, causation_id, headers)
        select base + row_number() over (order by e.place),
            e.id, e.stream, e.version, e.data, e.type, e.at, e.dotnet, e.correlation, e.causation, (e.headers || stamp)::jsonb
        from unnest(event_command, event_stream, event_version, event_id, event_type, event_dotnet, event_data, event_at,
                event_correlation, event_causation, event_headers) with ordinality
            as e(command, stream, version, id, type, dotnet, data, at, correlation, causation, headers, place)
        where failed is null or e.command <> all(failed);
        get diagnostics appended = row_count;
        if appended > 0 then
            update crm.log_counter c set position = c.position + appended, recorded_at = recorded;
        end if;
    end if;

    if cardinality(receipt_key) > 0 then
        insert into crm.receipts (caller, key, request_hash, status, stream_id, version, event_types, body, position, recorded_at)
        select r.caller, r.key, r.hash, r.status, r.stream, r.version, string_to_array(r.types, ' '), r.body,
            base + r.events - case when failed is null then 0 else
                (select count(*) from unnest(event_command) as e(command) where e.command <= r.command and e.command = any(failed)) end,
            recorded
        from unnest(receipt_command, receipt_events, receipt_caller, receipt_key, receipt_hash, receipt_status, receipt_stream,
                receipt_version, receipt_types, receipt_body)
            as r(command, events, caller, key, hash, status, stream, version, types, body)
        where failed is null or r.command <> all(failed);
    end if;

    if cardinality(release_key) > 0 then
        delete from crm.unique_keys u
        using unnest(release_command, release_scope, release_key, release_stream) as d(command, scope, key, stream)
        where u.scope = d.scope and u.key = d.key and u.stream_id = d.stream and (failed is null or d.command <> all(failed));
    end if;

    if cardinality(claim_key) > 0 then
        insert into crm.unique_keys (scope, key, stream_id)
        select k.scope, k.key, k.stream
        from unnest(claim_command, claim_scope, claim_key, claim_stream) as k(command, scope, key, stream)
        where failed is null or k.command <> all(failed)
        on conflict (scope, key) do update set stream_id = excluded.stream_id
        where unique_keys.stream_id <> excluded.stream_id;
    end if;

    if cardinality(bookmark_key) > 0 then
        insert into crm.bookmarks (scope, key, value, updated_at)
        select b.scope, b.key, b.value, recorded
        from unnest(bookmark_command, bookmark_scope, bookmark_key, bookmark_value) as b(command, scope, key, value)
        where failed is null or b.command <> all(failed)
        on conflict (scope, key) do update set value = excluded.value, updated_at = excluded.updated_at;
    end if;

    if cardinality(key_stream) > 0 then
        insert into crm.subject_keys (stream_id, wrapped, master_key, created_at)
        select k.stream, k.wrapped, k.master, recorded
        from unnest(key_command, key_stream, key_wrapped, key_master) as k(command, stream, wrapped, master)
        where failed is null or k.command <> all(failed);
    end if;

    -- A stream without a key gets a destroyed one, so that nothing is ever sealed in it again.
    if cardinality(erase_stream) > 0 then
        insert into crm.subject_keys (stream_id, wrapped, master_key, created_at, destroyed_at)
        select d.stream, null, '', recorded, recorded
        from unnest(erase_command, erase_stream) as d(command, stream)
        where failed is null or d.command <> all(failed)
        on conflict (stream_id) do update
        set wrapped = null, destroyed_at = coalesce(subject_keys.destroyed_at, excluded.destroyed_at);
    end if;
end
$$;

-- Appends a batch of the common kind, in which all goes well: streams begin or go on at the version that was expected, receipts and
-- unique keys are new. It looks first, and does nothing at all when anything of the batch stands in its way: base is null then, and
-- crm.append_v1 finds out whose command that was. What comes in between the look and the writing is caught by the unique indexes and by
-- the locks on the streams: that error means the same. It leaves out the telling of outcomes, and commands that hand a key over, give
-- one up, only check a version, or set a bookmark.
--
-- The counter is the last lock but those of the batch's own new rows, as in crm.append_v1; what needs no position is written before it is
-- taken, so that another batch can be at that while this one holds the counter.
create function crm.append_v2(
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

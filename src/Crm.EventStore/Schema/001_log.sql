-- Marten 9's event tables, exactly as Marten makes them: no column and no index of ours may stand on them,
-- because Marten's own schema check would drop it. One difference is meant: the default of mt_events.timestamp,
-- which Marten writes as '(now())' and PostgreSQL would freeze to the moment of creation.

create table crm.mt_streams (
    id uuid not null,
    type varchar,
    version bigint,
    timestamp timestamptz not null default now(),
    created timestamptz not null default now(),
    tenant_id varchar default '*DEFAULT*',
    is_archived boolean default false,
    constraint pkey_mt_streams_id primary key (id)
);

create table crm.mt_events (
    seq_id bigint not null,
    id uuid not null,
    stream_id uuid,
    version bigint not null,
    data jsonb not null,
    bdata bytea,
    type varchar(500) not null,
    timestamp timestamptz not null default now(),
    tenant_id varchar default '*DEFAULT*',
    mt_dotnet_type varchar,
    correlation_id varchar,
    causation_id varchar,
    headers jsonb,
    is_archived boolean default false,
    constraint pkey_mt_events_seq_id primary key (seq_id),
    constraint fkey_mt_events_stream_id foreign key (stream_id) references crm.mt_streams (id) on delete cascade
);

create unique index pk_mt_events_stream_and_version on crm.mt_events (stream_id, version);

create sequence crm.mt_events_sequence owned by crm.mt_events.seq_id;

create table crm.mt_event_progression (
    name varchar not null,
    last_seq_id bigint,
    last_updated timestamptz default transaction_timestamp(),
    constraint pk_mt_event_progression primary key (name)
);

create table crm.mt_high_water_skips (
    ending_sequence bigint not null,
    starting_sequence bigint not null,
    timestamp timestamptz,
    constraint pkey_mt_high_water_skips_ending_sequence primary key (ending_sequence)
);

-- The counter: the one row that every append takes last, so that positions are gapless and in commit order.
-- It is updated at each commit: the room on its page keeps its versions on that one page.
create table crm.log_counter (
    id boolean primary key default true check (id),
    position bigint not null,
    recorded_at timestamptz not null
) with (fillfactor = 10);

insert into crm.log_counter (position, recorded_at) values (0, '2000-01-01 00:00:00+00');

-- What was answered to a request with an idempotency key, written in the transaction of its events.
-- Keys are compared byte by byte (collation "C"): no language's order is wanted of them, and it costs.
create table crm.receipts (
    caller text collate "C" not null,
    key text collate "C" not null,
    request_hash bytea not null,
    status int not null,
    stream_id uuid,
    version bigint not null,
    event_types text[] not null,
    body text,
    position bigint not null,
    recorded_at timestamptz not null,
    primary key (caller, key)
);

-- Only pruning looks by time, hour by hour; the rows come in its order.
create index receipts_recorded_at on crm.receipts using brin (recorded_at);

-- Keys that one stream only may hold, such as an external id.
create table crm.unique_keys (
    scope text collate "C" not null,
    key text collate "C" not null,
    stream_id uuid not null,
    primary key (scope, key)
);

create index unique_keys_stream_id on crm.unique_keys (stream_id);

-- How far a long piece of work over the log has come, written in the transaction of the events it made.
create table crm.bookmarks (
    scope text not null,
    key text not null,
    value text not null,
    updated_at timestamptz not null,
    primary key (scope, key)
);

grant usage on schema crm to crm_app;
grant select, insert on crm.mt_events to crm_app;
grant select, insert, update on crm.mt_streams to crm_app;
grant select on crm.mt_event_progression, crm.mt_high_water_skips to crm_app;
grant select, update, usage on sequence crm.mt_events_sequence to crm_app;
grant select, update on crm.log_counter to crm_app;
grant select, insert, delete on crm.receipts to crm_app;
grant select, insert, update, delete on crm.unique_keys, crm.bookmarks to crm_app;

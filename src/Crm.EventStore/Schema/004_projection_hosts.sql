-- The hosts that are alive, so that each takes an even share of the projections; and what the projections last said of themselves.
create table crm.nodes (
    holder uuid primary key,
    holder_name text not null,
    seen_until timestamptz not null
);
grant select, insert, update, delete on crm.nodes to crm_app;

alter table crm.projections
    add column events_per_second double precision not null default 0,
    add column error text;

-- How far each projection has come, and which host holds it. The checkpoint is a compare-and-set with the lease's epoch.
create table crm.projections (
    name text primary key,
    revision int not null,
    build bigint not null,
    position bigint not null,
    epoch bigint not null default 0,
    holder uuid,
    holder_name text,
    lease_until timestamptz,
    updated_at timestamptz not null default now(),
    previous_build bigint,
    previous_revision int
);

create sequence crm.projection_build_seq;

-- Streams that a projection could not apply: their later events queue behind the one that failed.
create table crm.parked (
    id bigint generated always as identity primary key,
    projection text not null,
    stream_id uuid not null,
    position bigint not null,
    error text not null,
    attempts int not null default 1,
    parked_at timestamptz not null default now(),
    last_tried_at timestamptz,
    unique (projection, stream_id)
);

create table crm.jobs (
    id uuid primary key,
    kind text not null,
    subject text not null,
    state text not null,
    done bigint not null default 0,
    total bigint,
    message text,
    result jsonb,
    requested_by text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create index jobs_created_at on crm.jobs (created_at);

-- Passwords stand here and never in the log. Whose address it is, the log alone says (unique key user-email).
create table crm.credentials (
    user_id uuid primary key,
    password_hash text not null,
    security_stamp uuid not null,
    updated_at timestamptz not null
);

create table crm.signing_keys (
    kid text primary key,
    private_pkcs8 bytea not null,
    public_spki bytea not null,
    created_at timestamptz not null,
    retired_at timestamptz
);

create table crm.refresh_tokens (
    token_hash bytea primary key,
    family uuid not null,
    user_id uuid not null,
    issued_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    revoked_at timestamptz
);

create index refresh_tokens_user_id on crm.refresh_tokens (user_id);
create index refresh_tokens_family on crm.refresh_tokens (family);

grant select, insert, update, delete on
    crm.projections, crm.parked, crm.jobs, crm.credentials, crm.signing_keys, crm.refresh_tokens to crm_app;
grant select, update, usage on sequence crm.projection_build_seq to crm_app;
grant select on crm.schema_migrations to crm_app;

-- The read models: their tables are made by the host (role crm_app), and read by whoever reports.
create schema crm_read;
grant usage, create on schema crm_read to crm_app;
grant usage on schema crm_read to crm_reporting;
alter default privileges for role crm_app in schema crm_read grant select on tables to crm_reporting;

-- Search in names. In schema public, where every role finds its operators.
create extension if not exists pg_trgm schema public;

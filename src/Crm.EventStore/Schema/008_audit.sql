-- The audit tree over the log (RFC 6962; docs/audit.md): the hashes of each level, 256 to a tile. A row holds the hashes of its level from
-- the first on, as many as were known when it was written, and never crosses the border of a tile: the tree grows by new rows alone.
-- Like the log itself, crm_app may only add to it.
create table crm.audit_tiles (
    level smallint not null,
    first bigint not null,
    hashes bytea not null,
    primary key (level, first),
    check (level >= 0 and first >= 0),
    check (length(hashes) > 0 and length(hashes) % 32 = 0 and first % 256 + length(hashes) / 32 <= 256)
);

-- Hashes are not made smaller by trying.
alter table crm.audit_tiles alter column hashes set storage external;

-- What was signed of the log, in the order of signing; number is without a hole. The note is what counts, size and root stand in it too.
create table crm.audit_heads (
    number bigint primary key,
    size bigint not null unique,
    root bytea not null,
    note text not null,
    at timestamptz not null
);

-- The keys that heads are signed with; the newest signs. The public ones stay for good. The private one is a box of the master key, which
-- a new master key may have to close anew; null where the key comes from a file.
create table crm.audit_keys (
    number bigint primary key,
    key_id text not null,
    name text not null,
    spki bytea not null unique,
    private_key bytea,
    development boolean not null,
    created_at timestamptz not null
);

-- What came of recomputing everything.
create table crm.audit_verifications (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    size bigint not null,
    sound boolean not null,
    report jsonb not null
);

grant select, insert on crm.audit_tiles, crm.audit_heads, crm.audit_keys, crm.audit_verifications to crm_app;
grant update (private_key) on crm.audit_keys to crm_app;

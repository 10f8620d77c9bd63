-- Signing keys take turns: a new one is known to every host before it signs, and an old one is taken until the last token that it signed
-- has ended. Sealed: the private key is a box of the master key. Development: made by a host of Development, no good in Production.
alter table crm.signing_keys rename column retired_at to retires_at;
alter table crm.signing_keys
    add column active_from timestamptz,
    add column sealed boolean not null default false,
    add column development boolean not null default false;
update crm.signing_keys set active_from = created_at;
alter table crm.signing_keys alter column active_from set not null;

-- What proves that a request comes with an API key. Whose it is, what it may and until when, the log alone says (stream api-key).
create table crm.api_keys (
    id uuid primary key,
    secret_hash bytea not null,
    created_at timestamptz not null,
    last_used_at timestamptz
);

grant select, insert, update, delete on crm.api_keys to crm_app;

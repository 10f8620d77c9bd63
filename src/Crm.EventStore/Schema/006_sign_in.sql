-- How often signing in failed, and from when it may be tried again. Keys are SHA-256 digests: of an account's address as it was typed
-- (there need be no such account), of a network address, or of both. Refusing must not tell who is registered, so nothing here refers
-- to a user.
create table crm.sign_in_delays (
    scope text not null,
    key bytea not null,
    failures int not null,
    last_at timestamptz not null,
    until timestamptz not null,
    -- the account's digest where the key is of an account, alone or with an address: an admin may end all its waiting
    account bytea,
    primary key (scope, key)
);

create index sign_in_delays_account on crm.sign_in_delays (account);
create index sign_in_delays_last_at on crm.sign_in_delays (last_at);

-- From which network addresses an account has been signed in to: there its owner is never kept waiting for what strangers do elsewhere.
create table crm.known_addresses (
    pair bytea primary key,
    seen_at timestamptz not null
);

create index known_addresses_seen_at on crm.known_addresses (seen_at);

-- Counts a try to sign in, before the password is looked at, as a failure: tries that come at the same moment cannot all be the first.
-- A try that succeeds is given back. Answers until when the caller has to wait, and counts nothing then; null when it may go on.
-- Of the scopes pair, account and address (null where there is no address), a known pair counts the first alone.
create function crm.count_sign_in(
    tried_at timestamptz, pair bytea, account bytea, address bytea,
    -- for pair, account and address: failures before the first wait, the longest wait, and how long a failure is remembered
    free int[], longest interval[], remembered interval[])
returns timestamptz
language plpgsql
as $$
declare
    scopes text[] := array['pair', 'account', 'address'];
    keys bytea[] := array[pair, account, address];
    counted int := 3;
    waits timestamptz;
begin
    if exists (select from crm.known_addresses k where k.pair = count_sign_in.pair) then
        counted := 1;
    elsif address is null then
        counted := 2;
    end if;

    -- Whoever has to wait is told so without a lock.
    select max(d.until) into waits
    from crm.sign_in_delays d
    join unnest(scopes[:counted], keys[:counted]) as asked (scope, key) on d.scope = asked.scope and d.key = asked.key
    where d.until > tried_at;
    if waits is not null then
        return waits;
    end if;

    -- In one order of scopes, so that two tries never wait for each other.
    insert into crm.sign_in_delays as d (scope, key, failures, last_at, until, account)
    select asked.scope, asked.key, 0, tried_at, '-infinity', case asked.scope when 'address' then null else count_sign_in.account end
    from unnest(scopes[:counted], keys[:counted]) as asked (scope, key)
    order by asked.scope, asked.key
    on conflict (scope, key) do update set until = d.until;

    select max(d.until) into waits
    from crm.sign_in_delays d
    join unnest(scopes[:counted], keys[:counted]) as asked (scope, key) on d.scope = asked.scope and d.key = asked.key
    where d.until > tried_at;
    if waits is not null then
        return waits;
    end if;

    update crm.sign_in_delays d
    set failures = now_at.failures,
        last_at = tried_at,
        until = case
            when now_at.failures < asked.free then '-infinity'::timestamptz
            -- Beyond 2^20 seconds every wait is the longest.
            else tried_at + least(asked.longest, make_interval(secs => power(2, least(now_at.failures - asked.free, 20))))
        end
    from unnest(scopes[:counted], keys[:counted], free[:counted], longest[:counted], remembered[:counted])
        as asked (scope, key, free, longest, remembered),
        lateral (
            select case when c.last_at < tried_at - asked.remembered then 1 else c.failures + 1 end as failures
            from crm.sign_in_delays c where c.scope = asked.scope and c.key = asked.key) now_at
    where d.scope = asked.scope and d.key = asked.key;
    return null;
end
$$;

-- Tokens with which a user may choose a password, once: one lives per user.
create table crm.password_resets (
    user_id uuid primary key,
    token_hash bytea not null unique,
    issued_at timestamptz not null,
    expires_at timestamptz not null
);

-- The second factor (RFC 6238): the shared secret is sealed with the master key. A time step counts once: last_step is the last that did.
create table crm.second_factors (
    user_id uuid primary key,
    secret bytea not null,
    created_at timestamptz not null,
    confirmed_at timestamptz,
    last_step bigint not null default 0
);

create table crm.recovery_codes (
    user_id uuid not null,
    code_hash bytea not null,
    used_at timestamptz,
    primary key (user_id, code_hash)
);

-- The credential that a session began with: it lasts as long as that one does. Null for sessions from before this was kept.
alter table crm.refresh_tokens
    add column security_stamp uuid,
    add column ended_why text;

create index refresh_tokens_expires_at on crm.refresh_tokens (expires_at);

grant select, insert, update, delete on
    crm.sign_in_delays, crm.known_addresses, crm.password_resets, crm.second_factors, crm.recovery_codes to crm_app;
grant execute on function crm.count_sign_in to crm_app;

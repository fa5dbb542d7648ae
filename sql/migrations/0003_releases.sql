-- Releases: a model, its files, its states, and the pointer to the one that is served.
--
-- A release is immutable but for its state. States, and who may follow whom, are enforced here, so that no program, ours or
-- another's, can put the registry into a state that a reader doesn't expect:
--
--     (registered) → trained → embedding → ready ⇄ active
--                        ↘         ↘ ↖       ↘ ↖
--                         ↘         failed ───→ retired          (failed → embedding is a retry)
--
-- Every time in these tables is the database's clock_timestamp(): replicas' clocks may disagree by minutes, and now() is when a
-- transaction began, which under a lock is earlier than what it waited for.

create schema if not exists two_tower;

create table two_tower.releases (
    release_id     bigint generated always as identity primary key,
    model_version  text not null unique check (model_version ~ '^[^[:space:][:cntrl:]/\\]{1,128}$'),
    state          text not null default 'trained'
                   check (state in ('trained', 'embedding', 'ready', 'active', 'retired', 'failed')),
    state_reason   text,
    state_at       timestamptz not null default clock_timestamp(),
    origin         text not null default 'trained' check (origin in ('trained', 'imported')),
    recipe         text,                              -- null where another program's bundle doesn't say
    embedding_dim  int not null check (embedding_dim between 1 and 4000),
    vector_type    text not null default 'vector' check (vector_type in ('vector', 'halfvec')),
    config         jsonb not null default '{}',
    metrics        jsonb not null default '{}',
    created_at     timestamptz not null default clock_timestamp(),
    -- what HNSW can index
    check (vector_type = 'halfvec' or embedding_dim <= 2000)
);

comment on table two_tower.releases is 'TwoTower: one row a model; its vectors are in two_tower.video_embeddings_<release_id>';

-- At most one release is active, whatever happens.
create unique index releases_one_active on two_tower.releases ((true)) where state = 'active';

create table two_tower.release_files (
    release_id  bigint not null references two_tower.releases on delete cascade,
    path        text not null check (path ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'),
    sha256      text not null,
    size        bigint not null,
    content     bytea not null,
    primary key (release_id, path),
    check (size = octet_length(content)),
    check (sha256 = encode(sha256(content), 'hex'))
);

-- Weights don't compress: keep them out of line, as they are.
alter table two_tower.release_files alter column content set storage external;

-- No foreign keys in the history: it outlives what it tells of.
create table two_tower.release_transitions (
    transition_id  bigint generated always as identity primary key,
    release_id     bigint not null,
    model_version  text not null,
    from_state     text,                              -- null: registered
    to_state       text not null,
    at             timestamptz not null default clock_timestamp(),
    actor          text not null,
    reason         text
);

create index release_transitions_release on two_tower.release_transitions (release_id, transition_id);

create table two_tower.activations (
    activation_id           bigint generated always as identity primary key,
    release_id              bigint not null,
    model_version           text not null,
    previous_release_id     bigint,
    previous_model_version  text,
    at                      timestamptz not null default clock_timestamp(),
    actor                   text not null,
    reason                  text
);

-- The pointer. The row is always there, so that activations queue up on its lock; a null release: nothing is served yet.
create table two_tower.active_release (
    singleton      boolean primary key default true check (singleton),
    release_id     bigint references two_tower.releases,
    activation_id  bigint,
    activated_at   timestamptz
);

insert into two_tower.active_release default values;

-- How far the embedding of a release has come, and which process is at it. A lease that isn't renewed may be taken over; whoever
-- writes vectors proves in the same transaction that the lease is still its own.
create table two_tower.release_embeddings (
    release_id   bigint primary key references two_tower.releases on delete cascade,
    stage        text not null default 'waiting',
    done         bigint not null default 0,
    total        bigint not null default 0,
    started_at   timestamptz,
    finished_at  timestamptz,
    lease_owner  text,
    lease_until  timestamptz
);

-- Videos whose vector in the active release is out of date. change_id grows with every change: a worker removes the row that it
-- read, and not one that changed meanwhile.
create sequence two_tower.embedding_change_id;

create table two_tower.embedding_queue (
    video_id     uuid primary key,                    -- may be gone already: then its vector goes too
    change_id    bigint not null default nextval('two_tower.embedding_change_id'),
    enqueued_at  timestamptz not null default clock_timestamp(),
    lease_owner  text,
    lease_until  timestamptz,
    attempts     int not null default 0,
    last_error   text
);

alter sequence two_tower.embedding_change_id owned by two_tower.embedding_queue.change_id;
create index embedding_queue_order on two_tower.embedding_queue (change_id);

-- Which states may follow a state.
create function two_tower.release_states_after(p_state text) returns text[]
language sql immutable as $$
    select case p_state
        when 'trained'   then array['embedding', 'failed', 'retired']
        when 'embedding' then array['ready', 'failed', 'retired']
        when 'ready'     then array['active', 'embedding', 'failed', 'retired']
        when 'active'    then array['ready']
        when 'failed'    then array['embedding', 'retired']
        else array[]::text[]                          -- retired: its vectors are gone
    end
$$;

create function two_tower.guard_release() returns trigger
language plpgsql as $$
declare
    allowed text[];
    pointed bigint;
begin
    if tg_op = 'DELETE' then
        if old.state not in ('retired', 'failed') then
            raise exception 'release % is %: only a retired or failed release can be deleted', old.model_version, old.state
                using errcode = 'TT103';
        end if;
        return old;
    end if;

    if tg_op = 'INSERT' then
        if new.state <> 'trained' then
            raise exception 'release % cannot start as %: it starts as trained', new.model_version, new.state
                using errcode = 'TT101';
        end if;
        return new;
    end if;

    if (new.release_id, new.model_version, new.origin, new.recipe, new.embedding_dim, new.config, new.created_at)
        is distinct from (old.release_id, old.model_version, old.origin, old.recipe, old.embedding_dim, old.config, old.created_at) then
        raise exception 'release % is immutable: only its state, its metrics and, before embedding, its vector type change',
            old.model_version using errcode = 'TT102';
    end if;
    if new.vector_type <> old.vector_type and old.state <> 'trained' then
        raise exception 'release % is %: its vectors are % already', old.model_version, old.state, old.vector_type
            using errcode = 'TT102';
    end if;
    if new.state = old.state then
        return new;
    end if;

    allowed := two_tower.release_states_after(old.state);
    if new.state <> all (allowed) then
        raise exception 'release % cannot go from % to %: from % it can go to %', old.model_version, old.state, new.state, old.state,
            coalesce(nullif(array_to_string(allowed, ', '), ''), 'no other state') using errcode = 'TT101';
    end if;
    if 'active' in (old.state, new.state) then
        select a.release_id into pointed from two_tower.active_release a;
        if new.state = 'active' and pointed is distinct from new.release_id
            or old.state = 'active' and pointed = old.release_id then
            raise exception 'release % becomes active, or stops to be, only together with the pointer: call two_tower.activate_release',
                old.model_version using errcode = 'TT101';
        end if;
    end if;

    new.state_at := clock_timestamp();
    new.state_reason := nullif(current_setting('two_tower.reason', true), '');
    return new;
end
$$;

create trigger guard_release before insert or update or delete on two_tower.releases
    for each row execute function two_tower.guard_release();

-- Written here, not by whoever changes the state: no transition escapes. Who and why come as transaction-local settings, which a
-- transaction pooler keeps apart; without them the database role stands for who.
create function two_tower.record_release_transition() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' or new.state <> old.state then
        insert into two_tower.release_transitions (release_id, model_version, from_state, to_state, actor, reason)
        values (new.release_id, new.model_version, case when tg_op = 'UPDATE' then old.state end, new.state,
            coalesce(nullif(current_setting('two_tower.actor', true), ''), session_user),
            nullif(current_setting('two_tower.reason', true), ''));
    end if;
    return null;
end
$$;

create trigger record_release_transition after insert or update on two_tower.releases
    for each row execute function two_tower.record_release_transition();

create function two_tower.guard_release_file() returns trigger
language plpgsql as $$
begin
    raise exception 'release files are immutable: register another release' using errcode = 'TT102';
end
$$;

create trigger guard_release_file before update on two_tower.release_files
    for each row execute function two_tower.guard_release_file();

-- At commit the pointer and the active release are the same one.
create function two_tower.check_active_release() returns trigger
language plpgsql as $$
begin
    if (select a.release_id from two_tower.active_release a)
        is distinct from (select r.release_id from two_tower.releases r where r.state = 'active') then
        raise exception 'the pointer and the active release differ: call two_tower.activate_release' using errcode = 'TT101';
    end if;
    return null;
end
$$;

create constraint trigger check_active_release after insert or update on two_tower.active_release
    deferrable initially deferred for each row execute function two_tower.check_active_release();

create function two_tower.guard_active_release() returns trigger
language plpgsql as $$
begin
    raise exception 'the pointer row stays: activate another release instead' using errcode = 'TT103';
end
$$;

create trigger guard_active_release before delete on two_tower.active_release
    for each row execute function two_tower.guard_active_release();

-- The gate: every run of it, and that nothing becomes ready without one; what retention must leave alone; which activations went back.

create table two_tower.gate_runs (
    gate_run_id    bigint generated always as identity primary key,
    release_id     bigint not null,                   -- no foreign key: the record outlives what it tells of
    model_version  text not null,
    at             timestamptz not null default clock_timestamp(),
    actor          text not null,
    passed         boolean not null,
    compared_with  text,                              -- the release that was live; null: none, or it is the one under test
    reason         text,                              -- what failed; null: nothing
    numbers        jsonb not null default '{}',
    check (passed or reason is not null)
);

create index gate_runs_release on two_tower.gate_runs (release_id, gate_run_id);

comment on table two_tower.gate_runs is 'TwoTower: what the gate measured of each release, and what it decided';

-- Releases that retention leaves alone, whatever their age.
create table two_tower.release_pins (
    release_id  bigint primary key references two_tower.releases on delete cascade,
    at          timestamptz not null default clock_timestamp(),
    actor       text not null,
    reason      text
);

-- Going back isn't going on: the way back from where a rollback led must not lead to what was rolled back.
alter table two_tower.activations add column is_rollback boolean not null default false;

-- As in 0003, and: only the gate makes a release ready; a pinned release isn't retired.
create or replace function two_tower.guard_release() returns trigger
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
    -- The newest run counts, and only one over the vectors of this embedding.
    if old.state = 'embedding' and new.state = 'ready' and not coalesce((
            select g.passed from two_tower.gate_runs g
            where g.release_id = old.release_id and g.at >= old.state_at order by g.gate_run_id desc limit 1), false) then
        raise exception 'release % cannot become ready: the gate has not passed it since its embedding began', old.model_version
            using errcode = 'TT101';
    end if;
    if new.state = 'retired' and exists (select from two_tower.release_pins p where p.release_id = old.release_id) then
        raise exception 'release % is pinned and cannot be retired: unpin it first', old.model_version using errcode = 'TT101';
    end if;

    new.state_at := clock_timestamp();
    new.state_reason := nullif(current_setting('two_tower.reason', true), '');
    return new;
end
$$;

create function two_tower.guard_gate_run() returns trigger
language plpgsql as $$
begin
    raise exception 'gate runs are a record and never change: run the gate again' using errcode = 'TT102';
end
$$;

create trigger guard_gate_run before update on two_tower.gate_runs
    for each row execute function two_tower.guard_gate_run();

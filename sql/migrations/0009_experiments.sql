-- Experiments: a share of the users gets another ready release; what was recommended to whom; and what became of answers, by release.

create table two_tower.experiments (
    experiment_id  bigint generated always as identity primary key,
    name           text not null unique check (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    release_id     bigint not null,                   -- no foreign key: the record outlives what it tells of
    model_version  text not null,
    share          double precision not null check (share > 0 and share < 1),
    salt           text not null check (salt <> ''),
    started_at     timestamptz not null default clock_timestamp(),
    started_by     text not null,
    reason         text,
    stopped_at     timestamptz,
    stopped_by     text,
    stop_reason    text
);

comment on table two_tower.experiments is 'TwoTower: which share of the users got which release beside the active one, and when';

-- At most one runs: two of them would share users out between themselves, and neither could be read alone.
create unique index experiments_one_running on two_tower.experiments ((true)) where stopped_at is null;

-- An experiment is a record: it is stopped once, and nothing else of it changes.
create function two_tower.guard_experiment() returns trigger
language plpgsql as $$
begin
    if old.stopped_at is not null or (new.experiment_id, new.name, new.release_id, new.model_version, new.share, new.salt, new.started_at)
        is distinct from (old.experiment_id, old.name, old.release_id, old.model_version, old.share, old.salt, old.started_at) then
        raise exception 'experiment % is a record and never changes: start another one', old.name using errcode = 'TT102';
    end if;
    return new;
end
$$;

create trigger guard_experiment before update on two_tower.experiments
    for each row execute function two_tower.guard_experiment();

-- Users are being served by the release of a running experiment: its vectors stay. It may fail (then they get the active one) and it
-- may become active (then activate_release ends the experiment).
create function two_tower.guard_experiment_release() returns trigger
language plpgsql as $$
declare
    v_experiment text;
begin
    select x.name into v_experiment from two_tower.experiments x where x.release_id = old.release_id and x.stopped_at is null;
    if v_experiment is not null then
        raise exception 'release % is in experiment %: stop that first', old.model_version, v_experiment using errcode = 'TT101';
    end if;
    return new;
end
$$;

create trigger guard_experiment_release before update of state on two_tower.releases
    for each row when (old.state is distinct from new.state and new.state in ('retired', 'embedding'))
    execute function two_tower.guard_experiment_release();

-- What was recommended: a row for each video of an answer; an answer without videos is one row of rank 0. A partition a day (UTC), made
-- by the first row of that day, dropped as a whole: two_tower.record_impressions, two_tower.drop_impressions.
create table two_tower.impressions (
    served_at      timestamptz not null,              -- by the database's clock
    release_id     bigint,                            -- null: popular and fresh, no model had a part in it
    experiment_id  bigint,                            -- the one that ran, whichever release the user got
    user_id        uuid not null,
    video_id       uuid,
    rank           smallint not null check (rank >= 0),
    strategy       text not null,
    check ((rank = 0) = (video_id is null))
) partition by range (served_at);

comment on table two_tower.impressions is 'TwoTower: recommendations that were served, for a share of the users; kept for days';

-- A decision looks for the last impression of its video.
create index impressions_user_video on two_tower.impressions (user_id, video_id, served_at);

-- How many rows each day has: nobody counts a partition to keep it bounded.
create table two_tower.impression_days (
    day   date primary key,
    rows  bigint not null default 0
);

-- What became of the requests that a release was to answer, by the minute; added up by every replica.
create table two_tower.serving_counts (
    release_id     bigint not null references two_tower.releases on delete cascade,
    activation_id  bigint not null,                   -- which activation was in force, be it this release's or not
    minute         timestamptz not null,              -- by the database's clock, when the counts came in
    answers        bigint not null default 0,         -- by the model, empty ones included
    empty          bigint not null default 0,         -- answers without a video
    failed         bigint not null default 0,         -- no answer, and the release was why
    primary key (release_id, activation_id, minute)
);

create index serving_counts_minute on two_tower.serving_counts (minute);

-- Its result has another shape now, which "create or replace" can't give it.
drop function if exists two_tower.request_context(uuid, timestamptz);

-- Following videos: what changed since their vectors were made, and shares of a release's embedding for several embedders.

-- What the triggers write, and nothing but inserts: a change of a video never waits for an embedder or for another change, and can't
-- deadlock with one. Embedders move the rows into the queue (two_tower.collect_changes), one a video there.
create table two_tower.embedding_changes (
    change_id   bigint generated always as identity primary key,
    video_id    uuid not null,                        -- may be gone by now
    changed_at  timestamptz not null default clock_timestamp()
);

comment on table two_tower.embedding_changes is 'TwoTower: videos that changed, as the triggers saw it; emptied into embedding_queue';
comment on table two_tower.embedding_queue is
    'TwoTower: videos whose vectors are out of date, one row a video; leased by embedders, gone when every release has the new vector';

-- A release's embedding in pieces that embedders take. A row goes in the transaction that writes its vectors.
create table two_tower.embedding_shares (
    share_id     bigint generated always as identity primary key,
    release_id   bigint not null references two_tower.releases on delete cascade,
    videos       int not null,                        -- how many: reading the ids for that would cost more
    video_ids    uuid[] not null,
    lease_owner  text,
    lease_until  timestamptz
);

create index embedding_shares_release on two_tower.embedding_shares (release_id, share_id);

-- When all videos were last compared with their vectors, and who is at it.
create table two_tower.embedding_sweep (
    singleton    boolean primary key default true check (singleton),
    swept_at     timestamptz,                         -- null: due
    lease_owner  text,
    lease_until  timestamptz
);

insert into two_tower.embedding_sweep default values;

-- Which release the vectors of public.video_embeddings are of: that table follows an activation, and until it has, its readers must know.

create table two_tower.public_vectors (
    singleton      boolean primary key default true check (singleton),
    model_version  text,                              -- null: not known, nothing was synchronised since this table is there
    synced_at      timestamptz
);

insert into two_tower.public_vectors default values;

comment on table two_tower.public_vectors is 'TwoTower: the release that public.video_embeddings holds, written with its vectors';

-- Vectors of videos that another program made, of their pictures, their sound, their texts: one row a video and kind of vector. A recipe
-- names the kinds that its towers read (features.video_features); the others cost nothing.

-- Every vector of a name has one length: the first one's. Deleting the name deletes its vectors, and a new length may begin.
create table two_tower.video_feature_names (
    name  text primary key check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
    dim   int not null check (dim between 1 and 16000),
    unique (name, dim)
);

-- pgvector itself refuses NaN and infinity.
create table two_tower.video_features (
    video_id  uuid not null references public.videos (id) on delete cascade,
    name      text not null,
    vector    vector not null,
    dim       int generated always as (vector_dims(vector)) stored,
    primary key (video_id, name),
    constraint video_features_one_length foreign key (name, dim) references two_tower.video_feature_names (name, dim) on delete cascade
);

create index video_features_name on two_tower.video_features (name);

comment on table two_tower.video_features is 'TwoTower: vectors of videos from elsewhere, by name (docs/data.md)';
comment on table two_tower.video_feature_names is 'TwoTower: the names in video_features and the length of their vectors; delete one to delete its vectors';

-- The feature functions of schema public run as their caller. A vector tells of a video no more than its tags do.
grant select on two_tower.video_features, two_tower.video_feature_names to public;

-- The first vector of a name makes the name; one of another length is refused in words. The foreign key holds either way. With the
-- rights of its owner: who may write vectors needn't be allowed to make names by hand.
create function two_tower.guard_video_feature() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    v_dim int;
begin
    select n.dim into v_dim from two_tower.video_feature_names n where n.name = new.name;
    if not found then
        insert into two_tower.video_feature_names (name, dim) values (new.name, @vector_schema@.vector_dims(new.vector)) on conflict do nothing;
        select n.dim into v_dim from two_tower.video_feature_names n where n.name = new.name;
    end if;
    if v_dim <> @vector_schema@.vector_dims(new.vector) then
        raise exception 'vectors named % have % numbers, that of video % has %: to change the length, delete the name first (delete from two_tower.video_feature_names where name = %)',
            new.name, v_dim, new.video_id, @vector_schema@.vector_dims(new.vector), quote_literal(new.name) using errcode = '23514', schema = 'two_tower', table = 'video_features';
    end if;
    return new;
end
$$;

create trigger guard_video_feature before insert or update on two_tower.video_features
    for each row execute function two_tower.guard_video_feature();

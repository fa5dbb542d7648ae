-- The numbers and texts that an import made uuids of (docs/data.md), so that they can be asked for and given back. They go with their rows
-- where the table of theirs has a key that can tell.

create table two_tower.given_user_ids (
    user_id   uuid primary key,
    given_id  text not null
);

create table two_tower.given_video_ids (
    video_id  uuid primary key references public.videos (id) on delete cascade,
    given_id  text not null
);

-- By hash: an id may be longer than a B-tree's entry.
create index given_user_ids_given_id on two_tower.given_user_ids using hash (given_id);
create index given_video_ids_given_id on two_tower.given_video_ids using hash (given_id);

comment on table two_tower.given_user_ids is 'TwoTower: what an import made user_id of; goes with the profile';
comment on table two_tower.given_video_ids is 'TwoTower: what an import made video_id of; goes with the video';

do $$
begin
    if exists (
            select from pg_index i join pg_class c on c.oid = i.indrelid
            where c.oid = 'public.profiles'::regclass and c.relkind in ('r', 'p') and i.indisunique and i.indisvalid and i.indimmediate
                and i.indpred is null and i.indexprs is null and i.indnkeyatts = 1
                and i.indkey[0] = (select a.attnum from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id')) then
        alter table two_tower.given_user_ids add foreign key (user_id) references public.profiles (user_id) on delete cascade;
    end if;
end
$$;

-- The numbers and texts that an import made uuids of (docs/data.md), so that they can be asked for and given back. A user's goes with the
-- profile and the decisions (two_tower.refresh_video_statistics): no key of ours points to a table of users, which is somebody's to truncate.

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

comment on table two_tower.given_user_ids is 'TwoTower: what an import made user_id of; goes with the profile and the decisions';
comment on table two_tower.given_video_ids is 'TwoTower: what an import made video_id of; goes with the video';

-- Whoever may count likes forgets them with their profiles.
do $$
declare
    v_role name;
begin
    for v_role in
        select distinct pg_get_userbyid(x.grantee)
        from pg_class c, aclexplode(c.relacl) x
        where c.oid = 'two_tower.user_arrivals'::regclass and x.privilege_type = 'DELETE' and x.grantee <> 0 and x.grantee <> c.relowner
    loop
        execute format('grant select, delete on two_tower.given_user_ids to %I', v_role);
        execute format('grant select on two_tower.given_video_ids to %I', v_role);
    end loop;
end
$$;

-- Tags in a form that a search can look at for every video of a catalogue: two_tower.refresh_video_statistics() writes keys, and triggers tell of
-- what changed since (two_tower.changed_tags). And what a user has decided on is asked per video, not read whole.

-- Null: not read yet.
alter table two_tower.video_statistics add column tag_keys bigint[];

comment on column two_tower.video_statistics.tag_keys is 'TwoTower: the tags, as two_tower.tag_keys() has them, as of the last refresh';

-- What the triggers write, and nothing but inserts: a change of tags never waits for another one. Several rows of a video do no harm.
create table two_tower.tag_changes (
    video_id  uuid not null
);

comment on table two_tower.tag_changes is 'TwoTower: videos whose tags changed since they were last read; emptied by the refresh';

-- Nothing is read yet.
insert into two_tower.tag_changes (video_id) select v.id from public.videos v;

-- Whoever may refresh may empty it.
do $$
declare
    v_role name;
begin
    for v_role in
        select distinct x.grantee::regrole::name
        from pg_class c, aclexplode(c.relacl) x
        where c.oid = 'two_tower.video_statistics'::regclass and x.privilege_type = 'INSERT' and x.grantee <> 0 and x.grantee <> c.relowner
    loop
        execute format('grant select, delete on two_tower.tag_changes to %I', v_role);
    end loop;
end
$$;

-- Only where no index begins with these columns already.
do $$
begin
    if not exists (
        select
        from pg_index i
        where i.indrelid = 'public.user_video_decisions'::regclass and i.indisvalid and i.indpred is null
          and (
            select array_agg(a.attname::text order by k.position)
            from unnest(i.indkey::int2[]) with ordinality as k (attnum, position)
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
            where k.position <= 2) = array['user_id', 'video_id']) then
        create index user_video_decisions_user_id_video_id_idx on public.user_video_decisions (user_id, video_id);
    end if;
end
$$;

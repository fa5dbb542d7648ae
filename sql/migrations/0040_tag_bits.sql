-- The tags that are on the most videos get a bit each: a search then looks at all of a video's tags at once, however many are banned. A tag
-- without one is looked for in video_statistics.tag_keys, as before. two_tower.refresh_video_statistics() writes both.

create table two_tower.tag_bits (
    tag_key  bigint primary key,
    bit      int not null unique check (bit between 0 and 255)
);

comment on table two_tower.tag_bits is 'TwoTower: which bit of two_tower.video_statistics.tag_bits a tag has, by its key';

-- Null: not read yet.
alter table two_tower.video_statistics add column tag_bits bit(256);

comment on column two_tower.video_statistics.tag_bits is 'TwoTower: the tags that have a bit in two_tower.tag_bits, as of the last refresh';

-- No row has its bits yet.
insert into two_tower.tag_changes (video_id) select v.id from public.videos v where v.id is not null;

-- Whoever may refresh may write them, and whoever may search may read them.
do $$
declare
    v_role name;
    v_writes boolean;
begin
    for v_role, v_writes in
        select pg_get_userbyid(x.grantee), bool_or(x.privilege_type = 'INSERT')
        from pg_class c, aclexplode(c.relacl) x
        where c.oid = 'two_tower.video_statistics'::regclass and x.privilege_type in ('SELECT', 'INSERT') and x.grantee not in (0, c.relowner)
        group by x.grantee
    loop
        execute format('grant select on two_tower.tag_bits to %I', v_role);
        if v_writes then
            execute format('grant insert, update, delete on two_tower.tag_bits to %I', v_role);
        end if;
    end loop;
end
$$;

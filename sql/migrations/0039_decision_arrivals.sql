-- When decisions came that are dated another day (UTC), as a client may: what counts of a day, and since when a user is there, goes by it
-- (two_tower.refresh_video_statistics).
create table two_tower.decision_arrivals (
    user_id     uuid not null,
    video_id    uuid not null,
    decided_at  timestamptz not null,
    arrived_at  timestamptz not null default clock_timestamp(),
    primary key (user_id, video_id, decided_at)
);

comment on table two_tower.decision_arrivals is 'TwoTower: decisions that came on another day (UTC) than they are dated, and when; kept as long as they are';

-- Whoever may record a decision notes it here.
do $$
declare
    v_role name;
begin
    for v_role in
        select distinct pg_get_userbyid(x.grantee)
        from pg_class c, aclexplode(c.relacl) x
        where c.oid = 'two_tower.user_arrivals'::regclass and x.privilege_type = 'INSERT' and x.grantee <> 0 and x.grantee <> c.relowner
    loop
        execute format('grant select, insert, delete on two_tower.decision_arrivals to %I', v_role);
    end loop;
end
$$;

-- Supabase, where an earlier version gave it: users insert who, what and which, as in two_tower.secure_tables(), and the database says when.
do $$
begin
    if not exists (
        select from pg_policy p join pg_class c on c.oid = p.polrelid
        where c.oid = to_regclass('public.user_video_decisions') and p.polname = 'TwoTower: users add to their decisions'
            and pg_has_role(c.relowner, 'usage')) then
        return;
    end if;
    if has_table_privilege('authenticated', 'public.user_video_decisions', 'insert') then
        revoke insert on public.user_video_decisions from authenticated;
        grant insert (user_id, video_id, decision_type) on public.user_video_decisions to authenticated;
    end if;
end
$$;

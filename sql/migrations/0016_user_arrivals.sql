-- When users without a profile first posted a decision, by the database's clock: the time that a client gives a decision says nothing of that.
-- Popularity counts users by it (two_tower.refresh_video_statistics), which also forgets what is old.

create table two_tower.user_arrivals (
    user_id     uuid primary key,
    arrived_at  timestamptz not null default clock_timestamp()
);

comment on table two_tower.user_arrivals is 'TwoTower: when users without a profile first came; kept for about a month';

create index user_arrivals_arrived_at on two_tower.user_arrivals (arrived_at);

-- Whoever may refresh the counts may record a decision, too.
do $$
declare
    v_role name;
begin
    for v_role in
        select distinct x.grantee::regrole::name
        from pg_class c, aclexplode(c.relacl) x
        where c.oid = 'two_tower.video_statistics'::regclass and x.privilege_type = 'INSERT' and x.grantee <> 0 and x.grantee <> c.relowner
    loop
        execute format('grant select, insert, delete on two_tower.user_arrivals to %I', v_role);
    end loop;
end
$$;

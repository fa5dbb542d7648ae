-- Which users a release failed: the automatic rollback goes by users, so that one of them, asking again and again, is one.

create table two_tower.serving_faults (
    release_id     bigint not null references two_tower.releases on delete cascade,
    activation_id  bigint not null,                   -- as in serving_counts
    minute         timestamptz not null,              -- by the database's clock, when the report came in
    kind           text not null check (kind in ('failed', 'empty')),
    user_id        uuid not null,
    primary key (release_id, activation_id, minute, kind, user_id)
);

comment on table two_tower.serving_faults is
    'TwoTower: users whom a release failed, or gave an empty answer though it could have given another, by the minute';

create index serving_faults_minute on two_tower.serving_faults (minute);

-- Whoever may count may report.
do $$
declare
    v_role name;
begin
    for v_role in
        select distinct x.grantee::regrole::name
        from pg_class c, aclexplode(c.relacl) x
        where c.oid = 'two_tower.serving_counts'::regclass and x.privilege_type = 'INSERT' and x.grantee <> 0 and x.grantee <> c.relowner
    loop
        execute format('grant select, insert, delete on two_tower.serving_faults to %I', v_role);
    end loop;
end
$$;

-- Its result has another shape now, which "create or replace" can't give it.
drop function if exists two_tower.watched_activation(interval, interval);

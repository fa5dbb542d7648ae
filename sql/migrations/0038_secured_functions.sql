-- Which functions were closed already (two_tower.secure_functions). Their rights don't tell: a project's default privileges may leave out PUBLIC and
-- name others. A function that is dropped and made again is a new one; so is every one after a restore, which gives other oids.
create table two_tower.secured_functions (
    function_oid   oid primary key,
    function_name  text not null,
    secured_at     timestamptz not null default clock_timestamp()
);

comment on table two_tower.secured_functions is 'TwoTower: the functions that were closed to everybody but service_role on Supabase';

-- What was closed before this table was there stays as the project has it since. Where default privileges leave out PUBLIC, nothing was.
insert into two_tower.secured_functions (function_oid, function_name)
select p.oid, format('%I.%I', n.nspname, p.proname)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where (n.nspname = 'two_tower' or n.nspname = 'public' and obj_description(p.oid, 'pg_proc') like 'TwoTower: sql/functions/%')
    and exists (select from two_tower.made_tables m where m.secured_at is not null)
    and not exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x where x.grantee = 0)
    and not exists (
        select from pg_default_acl d
        where d.defaclrole = p.proowner and d.defaclobjtype = 'f' and d.defaclnamespace = 0
            and not exists (select from aclexplode(d.defaclacl) x where x.grantee = 0));

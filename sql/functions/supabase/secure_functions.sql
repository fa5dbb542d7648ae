-- function: two_tower.secure_functions()
-- On Supabase: every function of ours has a fixed search_path, and service_role alone executes it. A function that was just made can be told by
-- PUBLIC's right to execute it; once that is gone, whatever a project grants stays.
create or replace function two_tower.secure_functions() returns void
language plpgsql as $$
declare
    v_function record;
begin
    for v_function in
        select p.oid::regprocedure as name,
            not exists (select from unnest(p.proconfig) as c (setting) where c.setting like 'search_path=%') as is_mutable,
            exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
                where x.grantee = 0 and x.privilege_type = 'EXECUTE') as is_open,
            has_function_privilege('service_role', p.oid, 'execute') as serves
        from two_tower.made_functions() m join pg_catalog.pg_proc p on p.oid = m.function_oid
        order by 1
    loop
        if v_function.is_mutable then
            execute format('alter function %s set search_path = pg_catalog, pg_temp', v_function.name);
        end if;
        if v_function.is_open then
            execute format('revoke execute on function %s from public, anon, authenticated', v_function.name);
        end if;
        if v_function.is_open or not v_function.serves then
            execute format('grant execute on function %s to service_role', v_function.name);
        end if;
    end loop;
end
$$;

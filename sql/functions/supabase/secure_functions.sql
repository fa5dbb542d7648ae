-- function: two_tower.secure_functions()
-- On Supabase: every function of ours has a fixed search_path, and service_role alone executes it. A function is closed once
-- (two_tower.secured_functions); whatever a project grants afterwards stays.
create or replace function two_tower.secure_functions() returns void
language plpgsql as $$
declare
    v_function record;
begin
    for v_function in
        select f.*, not exists (
            select from two_tower.secured_functions s where s.function_oid = f.function_oid and s.function_name = f.full_name) as is_new
        from (
            select p.oid as function_oid, p.oid::regprocedure as name, format('%I.%I', n.nspname, p.proname) as full_name,
                not exists (select from unnest(p.proconfig) as c (setting) where c.setting like 'search_path=%') as is_mutable,
                has_function_privilege('service_role', p.oid, 'execute') as serves
            from two_tower.made_functions() m
            join pg_catalog.pg_proc p on p.oid = m.function_oid
            join pg_catalog.pg_namespace n on n.oid = p.pronamespace) f
        order by f.name
    loop
        if v_function.is_mutable then
            execute format('alter function %s set search_path = pg_catalog, pg_temp', v_function.name);
        end if;
        if v_function.is_new then
            execute format('revoke execute on function %s from public, anon, authenticated', v_function.name);
            insert into two_tower.secured_functions (function_oid, function_name) values (v_function.function_oid, v_function.full_name)
            on conflict (function_oid) do update set function_name = excluded.function_name, secured_at = clock_timestamp();
        end if;
        if v_function.is_new or not v_function.serves then
            execute format('grant execute on function %s to service_role', v_function.name);
        end if;
    end loop;
    delete from two_tower.secured_functions s where not exists (select from pg_catalog.pg_proc p where p.oid = s.function_oid);
end
$$;

-- function: two_tower.serve_on_supabase(name)
-- What a role that serves (two_tower.grant_serving) needs on Supabase besides: functions, which aren't PUBLIC's there, and policies that show it
-- the rows of the tables that this program protects. A function with its owner's rights is none of these.
create or replace function two_tower.serve_on_supabase(p_role name) returns void
language plpgsql as $$
declare
    v_wanted record;
begin
    for v_wanted in
        select p.oid::regprocedure as name
        from two_tower.made_functions() m join pg_catalog.pg_proc p on p.oid = m.function_oid
        where not p.prosecdef and not has_function_privilege(p_role, p.oid, 'execute')
        order by 1
    loop
        execute format('grant execute on function %s to %I', v_wanted.name, p_role);
    end loop;
    if (select r.rolbypassrls or r.rolsuper from pg_catalog.pg_roles r where r.rolname = p_role) then
        return;
    end if;
    for v_wanted in
        select c.oid::regclass as relation, w.command, format('TwoTower: %s serves (%s)', p_role, w.command) as policy, w.clause
        from two_tower.made_tables m
        join pg_catalog.pg_class c on c.oid = to_regclass(format('public.%I', m.table_name))
        join (values ('select', 'using (true)'), ('insert', 'with check (true)')) as w (command, clause)
            on w.command = 'select' or m.table_name = 'user_video_decisions'
        where m.secured_at is not null and pg_has_role(c.relowner, 'usage')
            and m.table_name in ('profiles', 'videos', 'video_tags', 'video_performers', 'user_video_decisions')
    loop
        if not exists (select from pg_catalog.pg_policy p where p.polrelid = v_wanted.relation and p.polname = v_wanted.policy::name) then
            execute format('create policy %I on %s for %s to %I %s', v_wanted.policy, v_wanted.relation, v_wanted.command, p_role, v_wanted.clause);
        end if;
    end loop;
end
$$;

-- function: two_tower.secure_supabase()
-- Makes a Supabase project's database safe, and usable for service_role; the last step of a migration. Elsewhere it does nothing. What a project
-- made itself stays as it is: of what is dangerous there, or missing, a sentence each comes back.
create or replace function two_tower.secure_supabase() returns setof text
language plpgsql as $$
declare
    v_role name;
begin
    if not two_tower.is_supabase() then
        return;
    end if;

    -- PUBLIC is anon, too. What the API roles need of this schema they get through functions that service_role calls.
    if exists (select from pg_catalog.pg_namespace n, aclexplode(n.nspacl) x where n.nspname = 'two_tower' and x.grantee = 0) then
        revoke all on schema two_tower from public;
        revoke all on all tables in schema two_tower from public;
    end if;
    perform two_tower.secure_functions();
    perform two_tower.secure_tables();
    perform two_tower.grant_serving_tables('service_role');
    grant select, insert, update, delete on two_tower.video_features, two_tower.video_feature_names, two_tower.loads to service_role;

    -- Roles that served before (two_tower.grant_serving), and couldn't any longer.
    for v_role in
        select distinct pg_catalog.pg_get_userbyid(x.grantee)
        from pg_catalog.pg_class c, aclexplode(c.relacl) x
        where c.oid = 'two_tower.serving_counts'::regclass and x.privilege_type = 'INSERT' and x.grantee not in (0, c.relowner)
    loop
        perform two_tower.serve_on_supabase(v_role);
    end loop;

    return query
    select format('The table public.%s is the project''s own and stays as it is, but %s. docs/supabase.md has policies for it.', t.name, w.what)
    from unnest(array['profiles', 'videos', 'video_tags', 'tags', 'video_performers', 'performers', 'user_video_decisions', 'video_embeddings',
        'user_embeddings']) with ordinality as t (name, position)
    join pg_catalog.pg_class c on c.oid = to_regclass('public.' || t.name)
    cross join lateral (
        select 1 as place, 'the public anon key can use it and row level security is off: alter table public.' || t.name || ' enable row level security' as what
        where not c.relrowsecurity and has_table_privilege('anon', c.oid, 'select, insert, update, delete')
        union all
        select 2, 'service_role can''t read it, so it can''t recommend: grant select on public.' || t.name || ' to service_role'
        where not has_table_privilege('service_role', c.oid, 'select')) w
    order by t.position, w.place;
end
$$;

-- function: two_tower.is_supabase()
-- Whether this is the database of a Supabase project: the roles that PostgREST becomes, and the function that tells a policy who asks.
create or replace function two_tower.is_supabase()
returns boolean
language sql stable as $$
    select to_regprocedure('auth.uid()') is not null
        and 3 = (select count(*) from pg_catalog.pg_roles r where r.rolname in ('anon', 'authenticated', 'service_role'))
$$;

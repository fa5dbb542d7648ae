-- function: two_tower.made_functions()
-- The functions that this program made and the caller owns: those of sql/functions by their comments, those of sql/migrations by their names.
create or replace function two_tower.made_functions()
returns table (function_oid oid)
language sql stable as $$
    select p.oid
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where n.nspname in ('two_tower', 'public') and pg_catalog.pg_has_role(p.proowner, 'usage')
        and (pg_catalog.obj_description(p.oid, 'pg_proc') like 'TwoTower: sql/functions/%'
            or n.nspname = 'two_tower' and p.proname in (
                'release_states_after', 'guard_release', 'record_release_transition', 'guard_release_file', 'check_active_release',
                'guard_active_release', 'guard_gate_run', 'guard_experiment', 'guard_experiment_release', 'guard_video_feature', 'forget_text_vector'))
$$;

-- function: two_tower.grant_serving(name)
-- Lets a role do what the API does for users, and nothing to releases but the automatic rollback: it owns nothing, and makes and drops no
-- table (docs/deploy.md). To be called by the role that owns the tables and embeds: releases to come are readable to the role, too.
create or replace function two_tower.grant_serving(p_role name) returns void
language plpgsql as $$
declare
    v_names text;
begin
    perform two_tower.grant_serving_tables(p_role);
    for v_names in
        select t.name from unnest(array['profiles', 'videos', 'video_tags', 'video_performers', 'tags', 'performers']) as t (name)
        where to_regclass('public.' || t.name) is not null
    loop
        execute format('grant select on public.%I to %I', v_names, p_role);
    end loop;
    execute format('grant select, insert on public.user_video_decisions to %I', p_role);
    if two_tower.is_supabase() then
        perform two_tower.serve_on_supabase(p_role);
    end if;
end
$$;
